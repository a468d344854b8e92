#!lua flags=allow-oom
-- release: give messages back unstarted. Each returns to the place it was taken from, before all
-- that became ready after it; its owner gets back all that it paid, and nothing is counted.
-- KEYS    the group's (include/group.lua), leases of the consumer (include/lease.lua)
-- ARGV    suffix, then per message, at most 16: "owner id", stamp of its fetch ("": any)
-- result  how many were given back
-- cost    O(log n) a message, n = what waits for its owner
--#include group
--#include limits
--#include line
--#include lease
local leases = KEYS[15]

if epoch_lost() then
  return NO_EPOCH
end

local touched = {}
virtual_time()
local ended = end_named(leases, 2)
for _, lease in ipairs(ended) do
  give_back(lease)
  touched[lease.owner] = true
end
count("waiting", #ended)
finish(touched)
return #ended
