#!lua flags=no-writes
-- depths: the owners who wait longest, with how much waits for each; page by page.
-- KEYS    the group's (include/group.lua)
-- ARGV    suffix, how many owners (at most 100), ready time and name of the last owner of the page
--         before ("": the first page)
-- result  now (µs), then per owner, oldest first: owner, waiting messages, ready time of the
--         oldest (µs)
-- cost    O(log owners) and O(1) for each that is returned
--#include group
local limit, after, last = tonumber(ARGV[2]), ARGV[3], ARGV[4]

if epoch_lost() then
  return NO_EPOCH
end

-- Behind the last one; if that has moved on meanwhile, at those that became ready with it.
local start = 0
if after ~= "" then
  if redis.call("ZSCORE", heads, last) == after then
    start = redis.call("ZRANK", heads, last) + 1
  else
    start = redis.call("ZCOUNT", heads, "-inf", "(" .. after)
  end
end
local answer = { now_us() }
local oldest = redis.call("ZRANGE", heads, start, start + limit - 1, "WITHSCORES")
for i = 1, #oldest, 2 do
  answer[#answer + 1] = oldest[i]
  answer[#answer + 1] = peek("ZCARD", oldest[i] .. suffix) or 0
  answer[#answer + 1] = oldest[i + 1]
end
return answer
