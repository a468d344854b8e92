-- group: what every operation on one queue group shares. Expects KEYS in the order of
-- keys.shared() and the suffix of the group's queues as ARGV[1].
--
-- KEYS    epoch      string  present as long as Redis has its data
--         state      hash    vtime, clock (last arrival), waiting, leased (counters)
--         ring       zset    owner -> start tag: those who may be served, least served first
--         heads      zset    owner -> when its first waiting message became ready (µs)
--         tags       zset    owner -> finish tag of one out of the ring, until vtime has passed it
--         due        zset    "owner id" -> when a delayed message becomes ready (µs)
--         consumers  zset    consumer -> when its leases end (µs)
--         wake       list    at most one token, for one idle consumer
--         leased     hash    owner -> "n" messages leased, or "n tag" with its finish tag while it is
--                            out of the ring; nothing when none is leased
--         means      hash    kind -> mean run time (µs)
--         controls   hash    owner -> "weight paused limit rate burst", if not the default
--         buckets    hash    owner -> when its bucket of tokens is full again (µs)
--         resting    zset    owner -> when its next token comes (µs), while it waits for it
--         again      zset    "owner id" -> due (µs), of one enqueued again while it was leased
-- derived owner .. suffix                 zset  message id -> ready since (µs)
--         owner .. suffix .. ":messages"  hash  message id -> "lost-leases:kind body"; every
--                                               message that waits, is delayed or leased, no other
local epoch, state, ring, heads, tags, due, consumers, wake, leased, means, controls, buckets,
  resting, again = unpack(KEYS, 1, 14)
local suffix = ARGV[1]

local NO_EPOCH = redis.error_reply("NO_EPOCH Redis lost its data and has not been recovered")

local function epoch_lost()
  return redis.call("EXISTS", epoch) == 0
end

local function now_us()
  local time = redis.call("TIME")
  return time[1] * 1000000 + time[2]
end

-- A number that a script of ours may have written; nil for none, and for what was forged: words,
-- infinities, what is no number, and what is so large that nothing could be added to it.
local function number(text)
  local value = tonumber(text or nil)
  if value and value > -1e18 and value < 1e18 then
    return value
  end
end

local function state_number(field)
  return number(redis.call("HGET", state, field)) or 0
end

local function count(field, change)
  if change ~= 0 then
    local answer = redis.pcall("HINCRBY", state, field, change)
    if type(answer) == "table" and answer.err then
      redis.call("HSET", state, field, math.max(0, change)) -- what was there was forged
    end
  end
end

-- Answers for every member: one that was forged must not stop the script that meets it.
local function split(member)
  local owner, id = string.match(member, "^(%S+) (.*)$")
  return owner or member, id or ""
end

-- Run a command on a key of an owner's line. One of another type was put there by somebody else; it
-- must not stop the group, so the line is dropped. The ledger's sweep puts its jobs back. Returns
-- the answer, and whether it was dropped.
local function on_line(owner, command, key, ...)
  local answer = redis.pcall(command, key, ...)
  if type(answer) ~= "table" or not answer.err then
    return answer, false
  end
  if string.find(answer.err, "WRONGTYPE", 1, true) then
    redis.log(redis.LOG_WARNING, "dropped the queue " .. owner .. suffix .. ": wrong type of key")
    redis.call("UNLINK", owner .. suffix, owner .. suffix .. ":messages")
  end
  return redis.call(command, key, ...), true
end

-- The same for scripts that only look: what cannot be read is not there.
local function peek(command, key, ...)
  local answer = redis.pcall(command, key, ...)
  if type(answer) == "table" and answer.err then
    return nil
  end
  return answer
end

-- Every idle consumer that wakes and fills up wakes the next one (fetch.lua), so one token is enough.
local function signal()
  if redis.call("LLEN", wake) == 0 then
    redis.call("RPUSH", wake, 1)
  end
end
