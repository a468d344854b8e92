#!lua flags=allow-oom
-- heartbeat: extend all leases of one consumer, however many they are.
-- KEYS    the group's (include/group.lua), leases of the consumer (hash)
-- ARGV    suffix, consumer, lease (µs)
-- result  how many leases it holds; nil: they have been reaped, and nothing was extended
-- cost    O(log consumers)
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
return redis.call("HLEN", leases)
