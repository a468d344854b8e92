#!lua flags=allow-oom
-- reclaim: release every lease of this consumer that it does not know of. A fetch whose answer was
-- lost with the connection leaves such leases behind, and heartbeats would keep them for ever.
-- KEYS    the group's (include/group.lua), leases of the consumer (zset)
-- ARGV    suffix, then all "owner id" that the consumer holds (some hundred)
-- result  how many were given back, at most 100; the caller repeats until there are none
-- cost    O(held + unknown * log n)
--#include group
--#include line
local leases = KEYS[9]

if epoch_lost() then
  return NO_EPOCH
end

local held = {}
for i = 2, #ARGV do
  held[ARGV[i]] = true
end
local touched, released = {}, 0
local all = redis.call("ZRANGE", leases, 0, #ARGV - 2 + 100, "WITHSCORES")
for i = 1, #all, 2 do
  if not held[all[i]] and released < 100 then
    local owner, id = split(all[i])
    redis.call("ZREM", leases, all[i])
    redis.call("ZADD", owner .. suffix, all[i + 1], id)
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
