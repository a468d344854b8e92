#!lua flags=allow-oom
-- release: give messages back unstarted. Each returns to the place it was taken from, before all
-- that became ready after it; its owner gets back all that it paid, and nothing is counted.
-- KEYS    the group's (include/group.lua), leases of the consumer (include/lease.lua)
-- ARGV    suffix, then per message, at most 100: "owner id", stamp of its fetch ("": any)
-- result  how many were given back
-- cost    O(log n) a message, n = what waits for its owner
--#include group
--#include limits
--#include line
--#include lease
local leases = KEYS[16]

if epoch_lost() then
  return NO_EPOCH
end

local touched, released = {}, 0
virtual_time()
for i = 2, #ARGV, 2 do
  local lease = end_lease(leases, ARGV[i], ARGV[i + 1])
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
