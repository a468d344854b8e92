#!lua flags=no-writes
-- situation: everything about one message that says why it is not running.
-- KEYS    the group's (include/group.lua)
-- ARGV    suffix, owner, message id, prefix of the consumers' leases
-- result  place ("waiting", "delayed", "leased", "unknown"), own messages before it, µs until it is
--         due (-1), consumer that holds it (""), control of the owner (""), its leased messages, µs
--         until its next token (-1: it needs none), owners before it, mean run time of its kind
--         (µs, -1: unknown), consumers
-- cost    O(log n + consumers), of those at most 200 are looked at
--#include group
--#include limits
--#include line
local owner, id, leases_prefix = ARGV[2], ARGV[3], ARGV[4]
local queue, member = owner .. suffix, owner .. " " .. id

if epoch_lost() then
  return NO_EPOCH
end

local value = peek("HGET", queue .. ":messages", id)
local before = peek("ZRANK", queue, id)
local due_at = redis.call("ZSCORE", due, member)
local consumer = ""
if value and not before and not due_at then
  for _, one in ipairs(redis.call("ZRANGE", consumers, 0, 199)) do
    if redis.call("HEXISTS", leases_prefix .. one, member) == 1 then
      consumer = one
      break
    end
  end
end

local place = before and "waiting" or due_at and "delayed" or value and "leased" or "unknown"
local _, token_at = may_take(owner)
local start = redis.call("ZSCORE", ring, owner) or holding(owner).tag
  or redis.call("ZSCORE", tags, owner) or 0
local mean_us = redis.call("HGET", means, string.match(value or "", "^%d+:(%S*) ") or "")
return {
  place,
  before or 0,
  due_at and math.max(0, due_at - now) or -1,
  consumer,
  redis.call("HGET", controls, owner) or "",
  holding(owner).n,
  token_at and token_at - now or -1,
  redis.call("ZCOUNT", ring, "-inf", "(" .. string.format("%.17g", math.max(start, virtual_time()))),
  math.floor(number(mean_us) or -1),
  redis.call("ZCOUNT", consumers, now, "+inf"),
}
