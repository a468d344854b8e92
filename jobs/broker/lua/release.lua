#!lua flags=allow-oom
-- release: give messages back unstarted. Each returns to the place it was taken from, before all
-- that became ready after it, and nothing is counted.
-- KEYS    the group's (include/group.lua), leases of the consumer (zset)
-- ARGV    suffix, then at most 100 times "owner id"
-- result  how many were given back
-- cost    O(log n) a message, n = what waits for its owner
--#include group
--#include line
local leases = KEYS[9]

if epoch_lost() then
  return NO_EPOCH
end

local touched, released = {}, 0
for i = 2, #ARGV do
  local ready = redis.call("ZSCORE", leases, ARGV[i])
  if ready then
    local owner, id = split(ARGV[i])
    redis.call("ZREM", leases, ARGV[i])
    redis.call("ZADD", owner .. suffix, ready, id)
    touched[owner] = true
    released = released + 1
  end
end
align_all(touched)
count("waiting", released)
if released > 0 then
  signal()
end
return released
