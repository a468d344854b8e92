-- line: an owner's place in the ring (start-time fair queueing). Expects group.lua and limits.lua.
-- Tags are virtual time: microseconds of worker time, divided by the owner's weight.

-- Each message that comes is later than all before it, even within one microsecond.
local arrival

local function arrive()
  arrival = math.max(now, (arrival or state_number("clock")) + 1)
  return arrival
end

-- Read once a call, before anything moves; fetch.lua moves it on. It is the start tag of what was
-- served last, or lower when a correction has put an owner before that.
local vtime

local function virtual_time()
  if not vtime then
    vtime = state_number("vtime")
    local first = redis.call("ZRANGE", ring, 0, 0, "WITHSCORES")
    vtime = math.min(vtime, number(first[2]) or vtime)
  end
  return vtime
end

-- A tag outlives the empty queue until virtual time has passed it, so that idling forgives nothing;
-- while something is leased, so that what that really took can be added.
local left_ring = 0

local function keep_tag(owner, tag)
  local held = holding(owner)
  if held.n > 0 then
    held.tag = tag
    return
  end
  held.tag = nil
  left_ring = left_ring + 1
  if tag > virtual_time() then
    redis.call("ZADD", tags, tag, owner)
  end
end

-- For each owner that left two tags are cleared whose time has passed: the set stays small.
local function sweep_tags()
  if left_ring > 0 then
    local passed =
      redis.call("ZRANGE", tags, "-inf", virtual_time(), "BYSCORE", "LIMIT", 0, 2 * left_ring)
    if #passed > 0 then
      redis.call("ZREM", tags, unpack(passed))
    end
  end
end

-- At the later of its own tag and virtual time: idling earns nothing.
local function enter_ring(owner)
  local held = holding(owner)
  local tag = held.tag
  held.tag = nil
  if not tag then
    tag = redis.call("ZSCORE", tags, owner)
    if tag then
      redis.call("ZREM", tags, owner)
    end
  end
  redis.call("ZADD", ring, math.max(virtual_time(), number(tag) or 0), owner)
end

-- Whether something of the owner waits that may be taken. Keeps `heads` right, and notes when the
-- token comes that it waits for. Returns whether it may, and whether it waits for a token.
local function may_be_served(owner)
  local head = on_line(owner, "ZRANGE", owner .. suffix, 0, 0, "WITHSCORES")
  if not head[1] then
    redis.call("ZREM", heads, owner)
    return false, false
  end
  redis.call("ZADD", heads, head[2], owner)
  local may, token_at = may_take(owner)
  if token_at then
    redis.call("ZADD", resting, token_at, owner)
  end
  return may, token_at ~= nil
end

-- Put the owner where it belongs, after something of it was put in, taken out or settled: into the
-- ring if something waits that may be taken, else out of it. Returns whether it is in the ring.
local function align(owner)
  local may, rests = may_be_served(owner)
  if control_of(owner).interval and not rests then
    redis.call("ZREM", resting, owner)
  end
  local tag = redis.call("ZSCORE", ring, owner)
  if may and not tag then
    enter_ring(owner)
  elseif tag and not may then
    redis.call("ZREM", ring, owner)
    keep_tag(owner, tonumber(tag))
  end
  return may
end

-- The first that comes due, of messages and of tokens: idle consumers sleep until then.
local function next_due()
  local message = redis.call("ZRANGE", due, 0, 0, "WITHSCORES")[2]
  local token = redis.call("ZRANGE", resting, 0, 0, "WITHSCORES")[2]
  return math.min(tonumber(message or math.huge), tonumber(token or math.huge))
end

-- How every operation ends: those that it touched are put in their places, what was read and
-- changed is written, and a consumer is woken if it would sleep too long otherwise.
local function finish(touched, due_before)
  for owner, held in pairs(holdings) do
    if held.more ~= 0 then
      redis.call("ZADD", ring, "XX", "INCR", held.more, owner)
    end
  end
  local may = false
  for owner in pairs(touched) do
    may = align(owner) or may
  end
  sweep_tags()
  write_back()
  if arrival then
    redis.call("HSET", state, "clock", arrival)
  end
  if may or due_before and next_due() < due_before then
    signal()
  end
end
