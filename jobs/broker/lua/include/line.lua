-- line: an owner's place in the ring (start-time fair queueing). Expects group.lua and limits.lua.
-- Tags are virtual time: microseconds of worker time, divided by the owner's weight.

local now = now_us()

-- Each message that comes is later than all before it, even within one microsecond.
local arrival

local function arrive()
  arrival = math.max(now, (arrival or state_number("clock")) + 1)
  return arrival
end

local function note_arrivals()
  if arrival then
    redis.call("HSET", state, "clock", arrival)
  end
end

-- Read once a call, before anything moves; fetch.lua moves it on. It is the start tag of what was
-- served last, or lower when a correction has put an owner before that.
local vtime

local function virtual_time()
  if not vtime then
    vtime = state_number("vtime")
    local first = redis.call("ZRANGE", ring, 0, 0, "WITHSCORES")
    if first[2] then
      vtime = math.min(vtime, first[2])
    end
  end
  return vtime
end

-- The tag outlives the empty queue until virtual time has passed it, so that idling forgives
-- nothing. Each owner that leaves clears two whose time has passed: the set stays small.
local function keep_tag(owner, tag)
  if tonumber(tag) > virtual_time() then
    redis.call("ZADD", tags, tag, owner)
  end
  local passed = redis.call("ZRANGE", tags, "-inf", virtual_time(), "BYSCORE", "LIMIT", 0, 2)
  if #passed > 0 then
    redis.call("ZREM", tags, unpack(passed))
  end
end

-- At the later of its own tag and virtual time: idling earns nothing.
local function enter_ring(owner)
  local tag = redis.call("HGET", owing, owner)
  if tag then
    redis.call("HDEL", owing, owner)
  else
    tag = redis.call("ZSCORE", tags, owner)
    if tag then
      redis.call("ZREM", tags, owner)
    end
  end
  redis.call("ZADD", ring, math.max(virtual_time(), tonumber(tag or 0)), owner)
end

local function leave_ring(owner, tag)
  redis.call("ZREM", ring, owner)
  if redis.call("HEXISTS", leased, owner) == 1 then
    redis.call("HSET", owing, owner, tag)
  else
    keep_tag(owner, tag)
  end
end

-- Put the owner where it belongs, after something of it was put in, taken out or settled: into the
-- ring if something waits that may be taken, else out of it. Returns whether it is in the ring.
local function align(owner)
  local head = redis.call("ZRANGE", owner .. suffix, 0, 0, "WITHSCORES")
  local may, token_at = false, nil
  if head[1] then
    redis.call("ZADD", heads, head[2], owner)
    may, token_at = may_take(owner, now)
  else
    redis.call("ZREM", heads, owner)
  end
  if token_at then
    redis.call("ZADD", resting, token_at, owner)
  elseif control_of(owner).interval then
    redis.call("ZREM", resting, owner)
  end
  local tag = redis.call("ZSCORE", ring, owner)
  if may and not tag then
    enter_ring(owner)
  elseif tag and not may then
    leave_ring(owner, tag)
  end
  return may
end

-- Returns whether any of them may be served.
local function align_all(owners)
  local may = false
  for owner in pairs(owners) do
    may = align(owner) or may
  end
  return may
end

-- The first that comes due, of messages and of tokens: idle consumers sleep until then.
local function next_due()
  local message = redis.call("ZRANGE", due, 0, 0, "WITHSCORES")[2]
  local token = redis.call("ZRANGE", resting, 0, 0, "WITHSCORES")[2]
  return math.min(tonumber(message or math.huge), tonumber(token or math.huge))
end

-- Wake a consumer if there is something for it, or if it would sleep too long otherwise.
local function wake_for(may_serve, due_before)
  if may_serve or next_due() < due_before then
    signal()
  end
end
