#!lua flags=allow-oom
-- retry: end leases of this consumer and let their messages come back after a delay, in one step.
-- A lease that was lost meanwhile is left alone.
-- KEYS    the group's (include/group.lua), leases of the consumer (zset)
-- ARGV    suffix, then per message, at most 100: "owner id", delay (µs), new body ("": unchanged)
-- result  how many will come back
-- cost    O(log delayed) a message
--#include group
--#include line
local leases = KEYS[9]

if epoch_lost() then
  return NO_EPOCH
end

local now = now_us()
local arrival = math.max(now, state_number("clock") + 1)
local due_before = redis.call("ZRANGE", due, 0, 0)[1]
local touched, delayed, waiting = {}, 0, 0
for i = 2, #ARGV, 3 do
  local member, delay, body = ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2]
  if redis.call("ZREM", leases, member) == 1 then
    local owner, id = split(member)
    local messages = owner .. suffix .. ":messages"
    if body ~= "" then
      local lost = string.match(redis.call("HGET", messages, id) or "0", "^%d+")
      redis.call("HSET", messages, id, lost .. " " .. body)
    end
    if delay > 0 then
      redis.call("ZADD", due, now + delay, member)
      delayed = delayed + 1
    else
      redis.call("ZADD", owner .. suffix, arrival, id)
      arrival = arrival + 1
      touched[owner] = true
      waiting = waiting + 1
    end
  end
end
align_all(touched)
count("waiting", waiting)
if waiting > 0 then
  redis.call("HSET", state, "clock", arrival - 1)
end
if waiting > 0 or delayed > 0 and redis.call("ZRANGE", due, 0, 0)[1] ~= due_before then
  signal()
end
return delayed + waiting
