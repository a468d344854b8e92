#!lua flags=allow-oom
-- leave: a consumer fetches no more. Another is woken for what is waiting, since this one may have
-- taken the token. It is forgotten when it holds nothing; else it stays, and is reaped if it dies.
-- KEYS    the group's (include/group.lua), leases of the consumer (hash)
-- ARGV    suffix, consumer
-- result  1 when it is forgotten, else 0
-- cost    O(log consumers)
--#include group
local leases = KEYS[15]
local consumer = ARGV[2]

if epoch_lost() then
  return NO_EPOCH
end
if redis.call("EXISTS", ring) == 1 then
  signal()
end
if redis.call("EXISTS", leases) == 1 then
  return 0
end
return redis.call("ZREM", consumers, consumer)
