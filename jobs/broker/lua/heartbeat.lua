#!lua flags=allow-oom
-- heartbeat: extend all leases of one consumer, however many they are, and note which of their
-- messages have started: if the consumer dies, those are its suspects (reap.lua).
-- KEYS    the group's (include/group.lua), leases of the consumer (hash)
-- ARGV    suffix, consumer, lease (µs), then "owner id" of each message that a thread is running
-- result  how many leases it holds; nil: they have been reaped, and nothing was extended
-- cost    O(log consumers + running)
--#include group
local leases = KEYS[15]
local consumer, lease = ARGV[2], tonumber(ARGV[3])

if epoch_lost() then
  return NO_EPOCH
end
if not redis.call("ZSCORE", consumers, consumer) then
  return nil
end
redis.call("ZADD", consumers, now_us() + lease, consumer)
for i = 4, #ARGV do
  local value = redis.call("HGET", leases, ARGV[i])
  if value and not string.find(value, " started$") then
    redis.call("HSET", leases, ARGV[i], value .. " started")
  end
end
return redis.call("HLEN", leases)
