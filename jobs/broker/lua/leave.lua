#!lua flags=allow-oom
-- leave: a consumer that holds nothing says goodbye. One that still holds leases stays, so that
-- they are reaped when they end.
-- KEYS    the group's (include/group.lua), leases of the consumer (zset)
-- ARGV    suffix, consumer
-- result  1 when it left, else 0
-- cost    O(log consumers)
--#include group
local leases = KEYS[9]
local consumer = ARGV[2]

if epoch_lost() then
  return NO_EPOCH
end
if redis.call("EXISTS", leases) == 1 then
  return 0
end
return redis.call("ZREM", consumers, consumer)
