#!lua flags=allow-oom
-- reap: take the leases of consumers that are silent for too long and give their messages back, to
-- the place they were taken from, with one lost lease more each.
-- KEYS    the group's (include/group.lua)
-- ARGV    suffix, prefix of the consumers' lease sets
-- result  µs until the next leases end (0: more to reap, -1: no consumer), then per message: owner,
--         message id, lost leases
-- cost    O(log n) a message, at most 100 messages of at most 10 consumers
--#include group
--#include line
local leases_prefix = ARGV[2]

if epoch_lost() then
  return NO_EPOCH
end

local now = now_us()
local answer, touched, reaped = { -1 }, {}, 0

local function give_back(member, ready)
  local owner, id = split(member)
  local messages = owner .. suffix .. ":messages"
  local lost, body = string.match(redis.call("HGET", messages, id) or "", "^(%d+) (.*)$")
  if not lost then
    return
  end
  redis.call("HSET", messages, id, (lost + 1) .. " " .. body)
  redis.call("ZADD", owner .. suffix, ready, id)
  touched[owner] = true
  answer[#answer + 1] = owner
  answer[#answer + 1] = id
  answer[#answer + 1] = lost + 1
  reaped = reaped + 1
end

for _, consumer in ipairs(redis.call("ZRANGE", consumers, "-inf", now, "BYSCORE", "LIMIT", 0, 10)) do
  local leases = leases_prefix .. consumer
  if reaped < 100 then
    local members = redis.call("ZRANGE", leases, 0, 99 - reaped, "WITHSCORES")
    for i = 1, #members, 2 do
      redis.call("ZREM", leases, members[i])
      give_back(members[i], members[i + 1])
    end
  end
  if redis.call("EXISTS", leases) == 0 then
    redis.call("ZREM", consumers, consumer)
  end
end
align_all(touched)
count("waiting", reaped)
if reaped > 0 then
  signal()
end
local earliest = redis.call("ZRANGE", consumers, 0, 0, "WITHSCORES")
if earliest[2] then
  answer[1] = math.max(0, earliest[2] - now)
end
return answer
