-- lease: how leases begin and end, and what they cost. Expects line.lua, and the consumer's leases:
-- hash, "owner id" -> "ready charge fetched kind". Ready and fetched are times (µs), the charge is
-- what the owner has paid for it in advance (virtual time).

-- Until the first message of a kind has ended; and what handing out even the shortest one costs.
local FIRST_ESTIMATE, LEAST = 10000, 100
-- How much of a new run time goes into the mean of its kind.
local SHARE = 0.125

local mean_of = {}

local function mean(kind)
  if mean_of[kind] == nil then
    mean_of[kind] = tonumber(redis.call("HGET", means, kind) or nil) or false
  end
  return mean_of[kind]
end

local function learn(kind, ran)
  local known = mean(kind)
  mean_of[kind] = known and known + (ran - known) * SHARE or ran
  redis.call("HSET", means, kind, mean_of[kind])
end

local function price(owner, us)
  return math.max(1, math.floor(math.max(us, LEAST) / control_of(owner).weight + 0.5))
end

-- End one lease if its holder has it still: the one of this very fetch, where a stamp is given.
-- Returns owner, id, ready, and what `pay` needs.
local function end_lease(leases, member, stamp)
  local value = redis.call("HGET", leases, member)
  local ready, charge, fetched, kind = string.match(value or "", "^(%S+) (%S+) (%S+) (.*)$")
  if not ready or stamp ~= "" and stamp ~= fetched then
    return nil
  end
  redis.call("HDEL", leases, member)
  local owner, id = split(member)
  return { owner = owner, id = id, ready = ready, charge = tonumber(charge) or 0,
    fetched = tonumber(fetched) or now, kind = kind, member = member }
end

-- The owner pays `cost` instead of what it was charged, wherever its tag is kept by now.
local function pay(lease, cost)
  local owner, more = lease.owner, cost - lease.charge
  local left = redis.call("HINCRBY", leased, owner, -1)
  if left <= 0 then
    redis.call("HDEL", leased, owner)
  end
  if redis.call("ZSCORE", ring, owner) then
    if more ~= 0 then
      redis.call("ZINCRBY", ring, more, owner)
    end
    return
  end
  local tag = redis.call("HGET", owing, owner)
  if tag and left > 0 then
    redis.call("HSET", owing, owner, tag + more)
  elseif tag then
    redis.call("HDEL", owing, owner)
    keep_tag(owner, tag + more)
  end
end

-- `ran` is the measured run time (µs), or "": the estimate stands.
local function pay_for_run(lease, ran)
  ran = tonumber(ran)
  if not ran then
    pay(lease, lease.charge)
    return
  end
  learn(lease.kind, ran)
  pay(lease, price(lease.owner, ran))
end

-- Nothing was started: all is refunded, and the message goes to where it was taken from.
local function give_back(lease)
  pay(lease, 0)
  return_token(lease.owner, now)
  redis.call("ZREM", again, lease.member)
  redis.call("ZADD", lease.owner .. suffix, lease.ready, lease.id)
end

-- When a message that was enqueued again meanwhile wants to come back; nil: it was not.
local any_again
local function wanted_again(member)
  if any_again == nil then
    any_again = redis.call("EXISTS", again) == 1
  end
  local at = any_again and redis.call("ZSCORE", again, member)
  if at then
    redis.call("ZREM", again, member)
    return tonumber(at)
  end
end

-- The message waits again, behind its line, or is delayed until then. Returns how many more wait.
local function come_back(lease, at)
  if at > now then
    redis.call("ZADD", due, at, lease.member)
    return 0
  end
  redis.call("ZADD", lease.owner .. suffix, arrive(), lease.id)
  return 1
end
