#!lua flags=allow-oom
-- retry: end leases of this consumer, let their owners pay what they ran, and let the messages come
-- back after a delay, in one step. A lease that was lost meanwhile is left alone. One that was
-- enqueued again meanwhile comes back at the earlier of both times.
-- KEYS    the group's (include/group.lua), leases of the consumer (include/lease.lua)
-- ARGV    suffix, then per message, at most 100: "owner id", stamp of its fetch ("": any), run time
--         (µs, "": unknown), delay (µs), new body ("": unchanged)
-- result  how many will come back
-- cost    O(log delayed) a message
--#include group
--#include limits
--#include line
--#include lease
local leases = KEYS[16]

if epoch_lost() then
  return NO_EPOCH
end

local due_before = next_due()
local touched, retried, waiting = {}, 0, 0
virtual_time()
for i = 2, #ARGV, 5 do
  local at, body = now + tonumber(ARGV[i + 3]), ARGV[i + 4]
  local lease = end_lease(leases, ARGV[i], ARGV[i + 1])
  if lease then
    local messages = lease.owner .. suffix .. ":messages"
    pay_for_run(lease, ARGV[i + 2])
    if body ~= "" then
      local head = string.match(redis.call("HGET", messages, lease.id) or "0", "^%d+:?%S*")
      redis.call("HSET", messages, lease.id, head .. " " .. body)
    end
    waiting = waiting + come_back(lease, math.min(at, wanted_again(lease.member) or at))
    retried = retried + 1
    touched[lease.owner] = true
  end
end
count("waiting", waiting)
note_arrivals()
wake_for(align_all(touched), due_before)
return retried
