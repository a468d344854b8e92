-- limits: what an owner may take, and whether it may take something now. Expects group.lua.

local CONTROL = "^(%S+) ([01]) (%d+) (%S+) (%d+)$"
local NO_CONTROL = { weight = 1, limit = 0 }

local read, any_controls = {}

-- One that cannot be read was forged, and counts as none.
local function parsed(text)
  local weight, paused, limit, rate, burst = string.match(text, CONTROL)
  weight, rate = tonumber(weight), tonumber(rate)
  if not (weight and weight > 0 and weight < 1e6 and rate and rate >= 0 and rate < 1e9) then
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

local function control_of(owner)
  if any_controls == nil then
    any_controls = redis.call("EXISTS", controls) == 1
  end
  if not any_controls then
    return NO_CONTROL
  end
  if not read[owner] then
    local text = redis.call("HGET", controls, owner)
    read[owner] = text and parsed(text) or NO_CONTROL
  end
  return read[owner]
end

-- A bucket is kept as the moment when it is full again: so many intervals ahead, so many tokens
-- are missing.
local function full_at(owner, now)
  return math.max(now, tonumber(redis.call("HGET", buckets, owner) or 0))
end

local function take_token(owner, now)
  local interval = control_of(owner).interval
  if interval then
    redis.call("HSET", buckets, owner, full_at(owner, now) + interval)
  end
end

local function return_token(owner, now)
  local interval = control_of(owner).interval
  if interval then
    redis.call("HSET", buckets, owner, full_at(owner, now) - interval)
  end
end

-- Whether it may be served now; if it may not for want of a token, when that comes (µs).
local function may_take(owner, now)
  local control = control_of(owner)
  if control == NO_CONTROL then
    return true
  end
  if control.paused then
    return false
  end
  if control.limit > 0 and tonumber(redis.call("HGET", leased, owner) or 0) >= control.limit then
    return false
  end
  if control.interval then
    local token_at = full_at(owner, now) - (control.burst - 1) * control.interval
    if token_at > now then
      return false, math.ceil(token_at)
    end
  end
  return true
end
