-- limits: what an owner holds, what it may take, and whether it may take something now. Expects
-- group.lua. Each is read once a call, and written back by `write_back`.

local now = now_us()

-- Owner -> { n = messages leased, tag = finish tag if it is out of the ring, more = what its tag in
-- the ring has to be moved by }
local holdings = {}

local function holding(owner)
  local known = holdings[owner]
  if not known then
    local text = redis.call("HGET", leased, owner)
    local n, tag = string.match(text or "", "^(%d+) ?(%S*)$")
    known = { n = number(n) or 0, tag = number(tag), more = 0, text = text }
    holdings[owner] = known
  end
  return known
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

local function write_back()
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
