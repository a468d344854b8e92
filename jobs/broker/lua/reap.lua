#!lua flags=allow-oom
-- reap: take the leases of consumers that are silent for too long and give their messages back,
-- with one lost lease more each. One that had started, as far as a heartbeat told, or was lost
-- before, is a suspect and goes behind its line. The others are its neighbours, or are taken for
-- such the first time, and go to where they were taken from.
-- KEYS    the group's (include/group.lua)
-- ARGV    suffix, prefix of the consumers' leases, lease (µs)
-- result  µs until the next leases end (0: more to reap, -1: no consumer), then per message: owner,
--         message id, lost leases
-- cost    O(log n) a message, at most 12 messages of at most 10 consumers
--#include group
--#include limits
--#include line
--#include lease
local MOST = 12
local leases_prefix, lease_us = ARGV[2], tonumber(ARGV[3])

if epoch_lost() then
  return NO_EPOCH
end

local answer, touched, looked_at, reaped = { -1 }, {}, 0, 0
virtual_time()

-- What had started is paid for until its consumer was last heard; of the rest the estimate stands.
local function take_back(lease, last_heard)
  local owner, id = lease.owner, lease.id
  local messages = owner .. suffix .. ":messages"
  local ran = math.max(0, last_heard - lease.fetched)
  pay(lease, lease.started and price(owner, ran) or lease.charge)
  touched[owner] = true
  redis.call("ZREM", again, lease.member)
  local value = on_line(owner, "HGET", messages, id)
  local lost, rest = string.match(value or "", "^(%d+)(:?%S* .*)$")
  if not lost then
    return
  end
  lost = tonumber(lost)
  redis.call("HSET", messages, id, (lost + 1) .. rest)
  local suspect = lease.started or lost > 0
  on_line(owner, "ZADD", owner .. suffix, suspect and arrive() or lease.ready, id)
  answer[#answer + 1] = owner
  answer[#answer + 1] = id
  answer[#answer + 1] = lost + 1
  reaped = reaped + 1
end

local silent =
  redis.call("ZRANGE", consumers, "-inf", now, "BYSCORE", "LIMIT", 0, 10, "WITHSCORES")
for i = 1, #silent, 2 do
  local consumer, last_heard = silent[i], silent[i + 1] - lease_us
  local leases = leases_prefix .. consumer
  local members = looked_at < MOST and redis.call("HRANDFIELD", leases, MOST - looked_at) or {}
  looked_at = looked_at + #members
  for _, lease in ipairs(end_leases(leases, members)) do
    take_back(lease, last_heard)
  end
  if #members > 0 then
    redis.call("HDEL", leases, unpack(members)) -- those that were forged
  end
  if redis.call("EXISTS", leases) == 0 then
    redis.call("ZREM", consumers, consumer)
  end
end
count("waiting", reaped)
finish(touched)
local earliest = redis.call("ZRANGE", consumers, 0, 0, "WITHSCORES")
if earliest[2] then
  answer[1] = math.max(0, earliest[2] - now)
end
return answer
