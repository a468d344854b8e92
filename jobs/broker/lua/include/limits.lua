-- limits: what an owner holds, what it may take, and whether it may take something now. Expects
-- group.lua. Each is read once a call, and written back by `write_back`; of many owners together,
-- because a command costs more than what it does.

local now = now_us()

-- Owner -> { n = messages leased, tag = finish tag if it is out of the ring, more = what its tag in
-- the ring has to be moved by }
local holdings = {}

local function held_as(text)
  local n, tag = string.match(text or "", "^(%d+) ?(%S*)$")
  return { n = number(n) or 0, tag = number(tag), more = 0, text = text }
end

local function holding(owner)
  if not holdings[owner] then
    holdings[owner] = held_as(redis.call("HGET", leased, owner))
  end
  return holdings[owner]
end

-- One that cannot be read was forged, and counts as none.
local NO_CONTROL = { weight = 1, limit = 0 }

local function parsed(text)
  local weight, paused, limit, rate, burst =
    string.match(text, "^(%S+) ([01]) (%d+) (%S+) (%d+)$")
  weight, rate = tonumber(weight), tonumber(rate)
  if not (weight and weight > 1e-6 and weight < 1e6 and rate and rate >= 0 and rate < 1e9) then
    return NO_CONTROL
  end
  return {
    weight = weight,
    paused = paused == "1",
    limit = tonumber(limit),
    interval = rate > 0 and 1000000 / rate or nil,
    burst = burst ~= "0" and tonumber(burst) or math.max(1, math.ceil(rate)),
  }
end

local controls_read, any_controls = {}, nil

local function control_of(owner)
  if any_controls == nil then
    any_controls = redis.call("EXISTS", controls) == 1
  end
  if not any_controls then
    return NO_CONTROL
  end
  if not controls_read[owner] then
    local text = redis.call("HGET", controls, owner)
    controls_read[owner] = text and parsed(text) or NO_CONTROL
  end
  return controls_read[owner]
end

-- A bucket is kept as the moment when it is full again: so many intervals ahead, so many tokens
-- are missing.
local full_at, changed_buckets = {}, {}

local function bucket(owner)
  if not full_at[owner] then
    full_at[owner] = number(redis.call("HGET", buckets, owner)) or 0
  end
  return math.max(now, full_at[owner])
end

local function take_tokens(owner, tokens)
  local interval = control_of(owner).interval
  if interval then
    full_at[owner] = bucket(owner) + tokens * interval
    changed_buckets[owner] = true
  end
end

-- What the functions above would read of each of them, by one command for all of each kind.
local function read_ahead(owners)
  local unknown, limited = {}, {}
  for _, owner in ipairs(owners) do
    if not holdings[owner] then
      unknown[#unknown + 1] = owner
      holdings[owner] = held_as() -- so that it is asked for once
    end
  end
  if #unknown == 0 then
    return
  end
  for i, text in ipairs(redis.call("HMGET", leased, unpack(unknown))) do
    holdings[unknown[i]] = held_as(text)
  end
  if control_of(unknown[1]) == NO_CONTROL and not any_controls then
    return
  end
  for i, text in ipairs(redis.call("HMGET", controls, unpack(unknown))) do
    local control = text and parsed(text) or NO_CONTROL
    controls_read[unknown[i]] = control
    limited[#limited + 1] = control.interval and unknown[i]
  end
  for i, at in ipairs(#limited > 0 and redis.call("HMGET", buckets, unpack(limited)) or {}) do
    full_at[limited[i]] = full_at[limited[i]] or number(at) or 0
  end
end

-- Whether it may be served now; if it may not for want of a token, when that comes (µs).
local function may_take(owner)
  local control = control_of(owner)
  if control == NO_CONTROL then
    return true
  end
  if control.paused or control.limit > 0 and holding(owner).n >= control.limit then
    return false
  end
  if control.interval then
    local token_at = bucket(owner) - (control.burst - 1) * control.interval
    if token_at > now then
      return false, math.ceil(token_at)
    end
  end
  return true
end

-- Scores that were changed: sorted set -> member -> score, or false for one that leaves it.
local scores = { [ring] = {}, [heads] = {}, [tags] = {}, [resting] = {} }

local function write_scores()
  for set, changed in pairs(scores) do
    local values, gone = {}, {}
    for member, score in pairs(changed) do
      if score then
        values[#values + 1] = score
        values[#values + 1] = member
      else
        gone[#gone + 1] = member
      end
    end
    if #values > 0 then
      redis.call("ZADD", set, unpack(values))
    end
    if #gone > 0 then
      redis.call("ZREM", set, unpack(gone))
    end
    scores[set] = {}
  end
end

local function write_back()
  write_scores()
  local values, gone = {}, {}
  for owner, held in pairs(holdings) do
    local text = held.n > 0 and string.format(held.tag and "%d %.0f" or "%d", held.n, held.tag)
    if not text and held.text then
      gone[#gone + 1] = owner
    elseif text and text ~= held.text then
      values[#values + 1] = owner
      values[#values + 1] = text
    end
  end
  if #values > 0 then
    redis.call("HSET", leased, unpack(values))
  end
  if #gone > 0 then
    redis.call("HDEL", leased, unpack(gone))
  end
  values = {}
  for owner in pairs(changed_buckets) do
    values[#values + 1] = owner
    values[#values + 1] = full_at[owner]
  end
  if #values > 0 then
    redis.call("HSET", buckets, unpack(values))
  end
end
