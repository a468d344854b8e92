#!lua flags=no-writes
-- depths: the owners who wait longest, with how much waits for each.
-- KEYS    the group's (include/group.lua)
-- ARGV    suffix, how many owners (at most 100)
-- result  per owner, oldest first: owner, waiting messages, age of the oldest (µs)
-- cost    O(log owners) and O(1) for each that is returned
--#include group
local limit = tonumber(ARGV[2])

if epoch_lost() then
  return NO_EPOCH
end

local now, answer = now_us(), {}
local oldest = redis.call("ZRANGE", heads, 0, limit - 1, "WITHSCORES")
for i = 1, #oldest, 2 do
  answer[#answer + 1] = oldest[i]
  answer[#answer + 1] = redis.call("ZCARD", oldest[i] .. suffix)
  answer[#answer + 1] = math.max(0, now - oldest[i + 1])
end
return answer
