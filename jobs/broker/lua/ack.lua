#!lua flags=allow-oom
-- ack: forget messages whose lease this consumer still holds, and let their owners pay what they
-- ran. A lease that was lost meanwhile is not acknowledged: the message belongs to whoever has it
-- now. One that was enqueued again meanwhile is not forgotten: it comes back.
-- KEYS    the group's (include/group.lua), leases of the consumer (include/lease.lua)
-- ARGV    suffix, then per message, at most 100: "owner id", stamp of its fetch ("": any), run time
--         (µs, "": unknown)
-- result  how many were acknowledged
-- cost    O(log owners) a message
--#include group
--#include limits
--#include line
--#include lease
local leases = KEYS[16]

if epoch_lost() then
  return NO_EPOCH
end

local due_before = next_due()
local touched, acked, waiting, back = {}, 0, 0, 0
virtual_time()
for i = 2, #ARGV, 3 do
  local lease = end_lease(leases, ARGV[i], ARGV[i + 1])
  if lease then
    acked = acked + 1
    pay_for_run(lease, ARGV[i + 2])
    local at = wanted_again(lease.member)
    if at then
      back = back + 1
      waiting = waiting + come_back(lease, at)
      touched[lease.owner] = true
    else
      redis.call("HDEL", lease.owner .. suffix .. ":messages", lease.id)
    end
    if control_of(lease.owner).limit > 0 then
      touched[lease.owner] = true
    end
  end
end
count("messages", back - acked)
count("waiting", waiting)
note_arrivals()
wake_for(align_all(touched), due_before)
return acked
