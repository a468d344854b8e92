-- line: an owner's place in the ring (start-time fair queueing). Expects group.lua.

-- Read once a call; fetch.lua moves it on.
local vtime

local function virtual_time()
  vtime = vtime or state_number("vtime")
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
  local tag = redis.call("ZSCORE", tags, owner)
  local start = math.max(virtual_time(), tonumber(tag or 0))
  redis.call("ZADD", ring, start, owner)
  if tag then
    redis.call("ZREM", tags, owner)
  end
end

local function leave_ring(owner)
  local tag = redis.call("ZSCORE", ring, owner)
  redis.call("ZREM", heads, owner)
  if tag then
    redis.call("ZREM", ring, owner)
    keep_tag(owner, tag)
  end
end

-- Make ring and heads agree with the owner's queue, after something was put in or taken out.
local function align(owner)
  local head = redis.call("ZRANGE", owner .. suffix, 0, 0, "WITHSCORES")
  if not head[1] then
    leave_ring(owner)
    return
  end
  redis.call("ZADD", heads, head[2], owner)
  if not redis.call("ZSCORE", ring, owner) then
    enter_ring(owner)
  end
end

local function align_all(owners)
  for owner in pairs(owners) do
    align(owner)
  end
end
