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
    scores[tags][owner] = tag
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
    scores[tags][owner] = tag and false
  end
  scores[ring][owner] = math.max(virtual_time(), number(tag) or 0)
end

-- Whether something of the owner waits that may be taken. Keeps `heads` right, and notes when the
-- token comes that it waits for. Returns whether it may, and whether it waits for a token.
local function may_be_served(owner)
  local head = on_line(owner, "ZRANGE", owner .. suffix, 0, 0, "WITHSCORES")
  if not head[1] then
    scores[heads][owner] = false
    return false, false
  end
  scores[heads][owner] = head[2]
  local may, token_at = may_take(owner)
  if token_at then
    scores[resting][owner] = token_at
  end
  return may, token_at ~= nil
end

local function ring_tags(owners)
  return #owners > 0 and redis.call("ZMSCORE", ring, unpack(owners)) or {}
end

-- Put owners where they belong, after something of them was put in, taken out or settled: into the
-- ring if something waits that may be taken, else out of it. `touched`: a set of them. Returns
-- whether any of them may be served.
local function align(touched)
  local owners, any = {}, false
  for owner in pairs(touched) do
    owners[#owners + 1] = owner
  end
  read_ahead(owners)
  for i, tag in ipairs(ring_tags(owners)) do
    local owner = owners[i]
    local may, rests = may_be_served(owner)
    any = any or may
    if control_of(owner).interval and not rests then
      scores[resting][owner] = false
    end
    if may and not tag then
      enter_ring(owner)
    elseif tag and not may then
      scores[ring][owner] = false
      keep_tag(owner, tonumber(tag))
    end
  end
  return any
end

-- Move those in the ring who have to pay more, or less, than they were charged.
local function correct()
  local owners = {}
  for owner, held in pairs(holdings) do
    if held.more ~= 0 then
      owners[#owners + 1] = owner
    end
  end
  for i, tag in ipairs(ring_tags(owners)) do
    if tag then
      scores[ring][owners[i]] = tag + holdings[owners[i]].more
    end
  end
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
  correct()
  write_scores()
  local may = align(touched)
  sweep_tags()
  write_back()
  if arrival then
    redis.call("HSET", state, "clock", arrival)
  end
  if may or due_before and next_due() < due_before then
    signal()
  end
end
