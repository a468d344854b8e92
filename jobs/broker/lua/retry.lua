#!lua flags=allow-oom
-- retry: end leases of this consumer, let their owners pay what they ran, and let the messages come
-- back after a delay, in one step. A lease that was lost meanwhile is left alone. One that was
-- enqueued again meanwhile comes back at the earlier of both times.
-- KEYS    the group's (include/group.lua), leases of the consumer (include/lease.lua)
-- ARGV    suffix, then per message, at most 16: "owner id", stamp of its fetch ("": any), run time
--         (µs, "": unknown), delay (µs), new body ("": unchanged)
-- result  how many will come back
-- cost    O(log delayed) a message
--#include group
--#include limits
--#include line
--#include lease
local leases = KEYS[15]

if epoch_lost() then
  return NO_EPOCH
end

local due_before = next_due()
local touched, waiting = {}, 0
virtual_time()
local ended = end_named(leases, 5)
for _, lease in ipairs(ended) do
  local first = lease.number * 5 - 3
  local at, body = now + tonumber(ARGV[first + 3]), ARGV[first + 4]
  pay_for_run(lease, ARGV[first + 2])
  if body ~= "" then
    local messages = lease.owner .. suffix .. ":messages"
    local value = on_line(lease.owner, "HGET", messages, lease.id)
    local head = string.match(value or "0", "^%d+:?%S*")
    redis.call("HSET", messages, lease.id, head .. " " .. body)
  end
  waiting = waiting + come_back(lease, math.min(at, wanted_again(lease.member) or at))
  touched[lease.owner] = true
end
write_means()
count("waiting", waiting)
finish(touched, due_before)
return #ended
