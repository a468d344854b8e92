#!lua flags=allow-oom
-- reclaim: release every lease of this consumer that it does not know of. A fetch whose answer was
-- lost with the connection leaves such leases behind, and heartbeats would keep them for ever.
-- KEYS    the group's (include/group.lua), leases of the consumer (include/lease.lua)
-- ARGV    suffix, then all "owner id" that the consumer holds (some hundred)
-- result  how many were given back, at most 12; the caller repeats until there are none
-- cost    O(held + unknown * log n)
--#include group
--#include limits
--#include line
--#include lease
local MOST = 12
local leases = KEYS[15]

if epoch_lost() then
  return NO_EPOCH
end

local held, unknown, touched = {}, {}, {}
for i = 2, #ARGV do
  held[ARGV[i]] = true
end
for _, member in ipairs(redis.call("HRANDFIELD", leases, #ARGV - 1 + MOST)) do
  if not held[member] and #unknown < MOST then
    unknown[#unknown + 1] = member
  end
end
virtual_time()
local ended = end_leases(leases, unknown)
for _, lease in ipairs(ended) do
  give_back(lease)
  touched[lease.owner] = true
end
count("waiting", #ended)
finish(touched)
return #ended
