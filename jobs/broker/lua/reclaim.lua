#!lua flags=allow-oom
-- reclaim: release every lease of this consumer that it does not know of. A fetch whose answer was
-- lost with the connection leaves such leases behind, and heartbeats would keep them for ever.
-- KEYS    the group's (include/group.lua), leases of the consumer (include/lease.lua)
-- ARGV    suffix, then all "owner id" that the consumer holds (some hundred)
-- result  how many were given back, at most 100; the caller repeats until there are none
-- cost    O(held + unknown * log n)
--#include group
--#include limits
--#include line
--#include lease
local leases = KEYS[16]

if epoch_lost() then
  return NO_EPOCH
end

local held = {}
for i = 2, #ARGV do
  held[ARGV[i]] = true
end
local touched, released = {}, 0
virtual_time()
for _, member in ipairs(redis.call("HRANDFIELD", leases, #ARGV - 1 + 100)) do
  local lease = not held[member] and released < 100 and end_lease(leases, member, "")
  if lease then
    give_back(lease)
    touched[lease.owner] = true
    released = released + 1
  end
end
count("waiting", released)
if align_all(touched) then
  signal()
end
return released
