#!lua flags=allow-oom
-- fetch: move due messages to their queues, then lease up to n messages to one consumer, one of
-- each owner in turn: always of the one with the lowest start tag, which then pays CHARGE. Start
-- tags are virtual time; what a message costs its owner is decided in this one place.
-- KEYS    the group's (include/group.lua), leases of the consumer (zset, "owner id" -> ready
--         since µs)
-- ARGV    suffix, consumer, lease (µs), n (at most 50)
-- result  µs until the next delayed message is due (-1: there is none), then per message: owner,
--         message id, "lost-leases body"
-- cost    O(log n) a message and at most 50 due ones; owners that have nothing waiting cost nothing
--#include group
--#include line
local leases = KEYS[9]
local consumer, lease, wanted = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local CHARGE = 1

if epoch_lost() then
  return NO_EPOCH
end

local function promote(now)
  local ripe = redis.call("ZRANGE", due, "-inf", now, "BYSCORE", "LIMIT", 0, 50, "WITHSCORES")
  local touched = {}
  for i = 1, #ripe, 2 do
    local owner, id = split(ripe[i])
    redis.call("ZADD", owner .. suffix, ripe[i + 1], id)
    redis.call("ZREM", due, ripe[i])
    touched[owner] = true
  end
  align_all(touched)
  count("waiting", #ripe / 2)
end

-- Nothing waits and nothing runs: the busy period is over, and all owners are equal again.
local function forget_tags()
  local last = redis.call("ZRANGE", tags, -1, -1, "WITHSCORES")
  if last[1] and state_number("messages") == redis.call("ZCARD", due) then
    redis.call("HSET", state, "vtime", math.max(virtual_time(), last[2]))
    redis.call("UNLINK", tags)
  end
end

local function charge(owner, start)
  local head = redis.call("ZRANGE", owner .. suffix, 0, 0, "WITHSCORES")
  redis.call("ZADD", ring, start + CHARGE, owner)
  if head[1] then
    redis.call("ZADD", heads, head[2], owner)
  else
    leave_ring(owner)
  end
end

-- What was forged under a name that is none could never be settled, and would stop every consumer:
-- it is left out. Ids of organizations are numbers of at most 18 digits.
local function is_owner(owner)
  local id = string.match(owner, "^org:(%d+)$")
  return owner == "plain" or (id and #id <= 18 and (id == "0" or string.sub(id, 1, 1) ~= "0"))
end

local answer, leased, popped = { -1 }, {}, 0

local function lease_first(owner, start)
  vtime = start
  local message = redis.call("ZPOPMIN", owner .. suffix)
  local id, ready = message[1], message[2]
  if id then
    popped = popped + 1
    local value = id ~= "" and redis.call("HGET", owner .. suffix .. ":messages", id)
    if value then
      leased[#leased + 1] = ready
      leased[#leased + 1] = owner .. " " .. id
      answer[#answer + 1] = owner
      answer[#answer + 1] = id
      answer[#answer + 1] = value
    end
  end
  charge(owner, start)
end

local now = now_us()
redis.call("ZADD", consumers, now + lease, consumer)
promote(now)

for _ = 1, wanted do
  local first = redis.call("ZRANGE", ring, 0, 0, "WITHSCORES")
  local owner, start = first[1], tonumber(first[2])
  if not owner then
    break
  end
  if is_owner(owner) then
    lease_first(owner, start)
  else
    redis.call("ZREM", ring, owner)
    redis.call("ZREM", heads, owner)
  end
end
if #leased > 0 then
  redis.call("ZADD", leases, unpack(leased))
end
if vtime then
  redis.call("HSET", state, "vtime", vtime)
end
count("waiting", -popped)

local next_due = redis.call("ZRANGE", due, 0, 0, "WITHSCORES")
if next_due[2] then
  answer[1] = math.max(0, next_due[2] - now)
end
if popped == 0 then
  forget_tags()
elseif popped == wanted and (next_due[1] or redis.call("EXISTS", ring) == 1) then
  -- This consumer is busy now: what is left, or becomes due, is for another.
  signal()
end
return answer
