#!lua flags=allow-oom
-- ack: forget messages whose lease this consumer still holds, and let their owners pay what they
-- ran. A lease that was lost meanwhile is not acknowledged: the message belongs to whoever has it
-- now. One that was enqueued again meanwhile is not forgotten: it comes back.
-- KEYS    the group's (include/group.lua), leases of the consumer (include/lease.lua)
-- ARGV    suffix, then per message, at most 16: "owner id", stamp of its fetch ("": any), run time
--         (µs, "": unknown)
-- result  how many were acknowledged
-- cost    O(log owners) a message
--#include group
--#include limits
--#include line
--#include lease
local leases = KEYS[15]

if epoch_lost() then
  return NO_EPOCH
end

local due_before = next_due()
local touched, forgotten, waiting = {}, {}, 0
virtual_time()
local ended = end_named(leases, 3)
for _, lease in ipairs(ended) do
  local owner = lease.owner
  if control_of(owner).limit > 0 and holding(owner).tag then
    touched[owner] = true -- it is out of the ring, perhaps for want of this slot
  end
  pay_for_run(lease, ARGV[lease.number * 3 + 1])
  local at = wanted_again(lease.member)
  if at then
    waiting = waiting + come_back(lease, at)
    touched[owner] = true
  else
    forgotten[owner] = forgotten[owner] or {}
    table.insert(forgotten[owner], lease.id)
  end
end
for owner, ids in pairs(forgotten) do
  on_line(owner, "HDEL", owner .. suffix .. ":messages", unpack(ids))
end
write_means()
count("waiting", waiting)
finish(touched, due_before)
return #ended
