#!lua flags=allow-oom
-- ack: forget messages whose lease this consumer still holds. A lease that was lost meanwhile is
-- not acknowledged: the message belongs to whoever has it now.
-- KEYS    the group's (include/group.lua), leases of the consumer (zset)
-- ARGV    suffix, then at most 100 times "owner id"
-- result  how many were acknowledged
-- cost    O(log leases) a message
--#include group
local leases = KEYS[9]

if epoch_lost() then
  return NO_EPOCH
end

local acked = 0
for i = 2, #ARGV do
  if redis.call("ZREM", leases, ARGV[i]) == 1 then
    local owner, id = split(ARGV[i])
    redis.call("HDEL", owner .. suffix .. ":messages", id)
    acked = acked + 1
  end
end
count("messages", -acked)
return acked
