#!lua flags=allow-oom
-- fetch: move what has become due, then lease up to n messages to one consumer, one at a time:
-- always of the owner with the lowest start tag, which then pays what a message of its kind takes
-- on average. Owners that may take nothing more leave the ring.
-- KEYS    the group's (include/group.lua), leases of the consumer (include/lease.lua)
-- ARGV    suffix, consumer, lease (µs), n (at most 16)
-- result  µs until the next delayed message or token is due (-1: there is none), stamp of this
--         fetch, then per message: owner, message id, "lost-leases:kind body"
-- cost    O(log n) a message and at most 8 due ones and 8 tokens; owners that have nothing
--         waiting, or may not take it, cost nothing
--#include group
--#include limits
--#include line
--#include lease
local leases = KEYS[15]
local consumer, lease_us, wanted = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local MOST_DUE = 8

if epoch_lost() then
  return NO_EPOCH
end

local function promote()
  local ripe = redis.call("ZRANGE", due, "-inf", now, "BYSCORE", "LIMIT", 0, MOST_DUE, "WITHSCORES")
  local touched, members = {}, {}
  for i = 1, #ripe, 2 do
    local owner, id = split(ripe[i])
    on_line(owner, "ZADD", owner .. suffix, ripe[i + 1], id)
    members[#members + 1] = ripe[i]
    touched[owner] = true
  end
  if #members > 0 then
    redis.call("ZREM", due, unpack(members))
  end
  for _, owner in ipairs(redis.call("ZRANGE", resting, "-inf", now, "BYSCORE", "LIMIT", 0, MOST_DUE)) do
    redis.call("ZREM", resting, owner)
    touched[owner] = true
  end
  count("waiting", #ripe / 2)
  align(touched)
  write_scores()
end

-- Nothing can be served and nothing runs: the busy period is over, and all owners are equal again.
-- What a queue that was dropped (`on_line`) had added to the count is taken off.
local function rest()
  if redis.call("EXISTS", heads) == 0 then
    redis.call("HDEL", state, "waiting")
  end
  local last = redis.call("ZRANGE", tags, -1, -1, "WITHSCORES")
  if last[1] and redis.call("EXISTS", leased) == 0 then
    redis.call("HSET", state, "vtime", math.max(virtual_time(), number(last[2]) or 0))
    redis.call("UNLINK", tags)
  end
end

-- What was forged under a name that is none could never be settled, and would stop every consumer:
-- it is left out. Ids of organizations are numbers of at most 18 digits.
local function is_owner(owner)
  local id = string.match(owner, "^org:(%d+)$")
  return owner == "plain" or (id and #id <= 18 and (id == "0" or string.sub(id, 1, 1) ~= "0"))
end

local stamp = string.format("%.0f", now)
local answer, begun, popped = { -1, stamp }, {}, 0

-- Returns what it costs.
local function lease_first(owner)
  local message = on_line(owner, "ZPOPMIN", owner .. suffix)
  local id, ready = message[1], message[2]
  local value = id and id ~= "" and on_line(owner, "HGET", owner .. suffix .. ":messages", id)
  popped = popped + (id and 1 or 0)
  if not value then
    return 0
  end
  local kind = string.match(value, "^%d+:(%S*) ") or ""
  local charge = price(owner, mean(kind) or FIRST_ESTIMATE)
  begun[#begun + 1] = owner .. " " .. id
  begun[#begun + 1] = string.format("%s %.0f %s %s", ready, charge, stamp, kind)
  answer[#answer + 1] = owner
  answer[#answer + 1] = id
  answer[#answer + 1] = value
  holding(owner).n = holding(owner).n + 1
  take_tokens(owner, 1)
  return charge
end

redis.call("ZADD", consumers, now + lease_us, consumer)
promote()

-- Those who can have a turn in this fetch: each that is served takes its place among them again.
local turns, owners = {}, {}
local first = redis.call("ZRANGE", ring, "-inf", "+inf", "BYSCORE", "LIMIT", 0, wanted, "WITHSCORES")
for i = 1, #first, 2 do
  turns[#turns + 1] = { owner = first[i], tag = number(first[i + 1]) or virtual_time() }
  owners[#owners + 1] = first[i]
end
read_ahead(owners)

local function is_before(a, b)
  return a.tag < b.tag or a.tag == b.tag and a.owner < b.owner
end

local function take_place(turn)
  local place = #turns + 1
  while place > 1 and is_before(turn, turns[place - 1]) do
    place = place - 1
  end
  table.insert(turns, place, turn)
end

for _ = 1, wanted do
  local turn = table.remove(turns, 1)
  if not turn then
    break
  end
  local owner = turn.owner
  scores[ring][owner] = false
  if is_owner(owner) then
    vtime = turn.tag
    turn.tag = vtime + lease_first(owner)
    if may_be_served(owner) then
      scores[ring][owner] = turn.tag
      take_place(turn)
    else
      keep_tag(owner, turn.tag)
    end
  else
    scores[heads][owner] = false
  end
end
if #begun > 0 then
  redis.call("HSET", leases, unpack(begun))
  count("leased", #begun / 2)
end
if popped > 0 then
  redis.call("HSET", state, "vtime", vtime)
  count("waiting", -popped)
end
finish({})

local soonest = next_due()
if soonest < math.huge then
  answer[1] = math.max(0, soonest - now)
end
if popped == 0 then
  rest()
elseif popped == wanted and (answer[1] >= 0 or redis.call("EXISTS", ring) == 1) then
  -- This consumer is busy now: what is left, or becomes due, is for another.
  signal()
end
return answer
