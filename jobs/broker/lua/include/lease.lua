-- lease: how leases begin and end, and what they cost. Expects line.lua. The leases of a consumer:
-- hash, "owner id" -> "ready charge fetched kind", and " started" once a heartbeat has told so. Ready
-- and fetched are times (µs), the charge is what the owner has paid in advance (virtual time).

-- Until the first message of a kind has ended; and what handing out even the shortest one costs.
local FIRST_ESTIMATE, LEAST = 10000, 100
-- How much of a new run time goes into the mean of its kind.
local SHARE = 0.125

local mean_of = {}

local function mean(kind)
  if mean_of[kind] == nil then
    mean_of[kind] = number(redis.call("HGET", means, kind)) or false
  end
  return mean_of[kind]
end

local learned = {}

local function learn(kind, ran)
  local known = mean(kind)
  mean_of[kind] = known and known + (ran - known) * SHARE or ran
  learned[kind] = true
end

local function write_means()
  for kind in pairs(learned) do
    redis.call("HSET", means, kind, mean_of[kind])
  end
end

local function price(owner, us)
  return math.max(1, math.floor(math.max(us, LEAST) / control_of(owner).weight + 0.5))
end

-- End those of the leases that their holder has still: each the one of this very fetch, where a
-- stamp is given. Returns them, with the number of their member.
local function end_leases(leases, members, stamps)
  local ended, gone, seen, owners = {}, {}, {}, {}
  local values = #members > 0 and redis.call("HMGET", leases, unpack(members)) or {}
  for i, member in ipairs(members) do
    local ready, charge, fetched, kind, started =
      string.match(values[i] or "", "^(%S+) (%S+) (%S+) (%S*) ?(%S*)$")
    local stamp = stamps and stamps[i] or ""
    ready = number(ready) and ready -- whoever forged one without a time has no lease
    if ready and not seen[member] and (stamp == "" or stamp == fetched) then
      local owner, id = split(member)
      seen[member] = true
      gone[#gone + 1] = member
      owners[#owners + 1] = owner
      ended[#ended + 1] = { number = i, member = member, owner = owner, id = id, ready = ready,
        charge = number(charge) or 0, fetched = number(fetched) or now, kind = kind,
        started = started ~= "" }
    end
  end
  if #gone > 0 then
    redis.call("HDEL", leases, unpack(gone))
    count("leased", -#gone)
  end
  read_ahead(owners)
  return ended
end

-- The arguments of a settling script: `fields` for each message, the first two of which are its
-- member and its stamp.
local function end_named(leases, fields)
  local members, stamps = {}, {}
  for i = 2, #ARGV, fields do
    members[#members + 1] = ARGV[i]
    stamps[#stamps + 1] = ARGV[i + 1]
  end
  return end_leases(leases, members, stamps)
end

-- The owner pays `cost` instead of what it was charged, wherever its tag is kept by now.
local function pay(lease, cost)
  local held, more = holding(lease.owner), cost - lease.charge
  held.n = math.max(0, held.n - 1)
  if held.tag then
    keep_tag(lease.owner, held.tag + more)
  else
    held.more = held.more + more
  end
end

-- `ran` is the measured run time (µs), or "": the estimate stands.
local function pay_for_run(lease, ran)
  ran = tonumber(ran)
  if ran then
    learn(lease.kind, ran)
  end
  pay(lease, ran and price(lease.owner, ran) or lease.charge)
end

-- Nothing was started: all is refunded, and the message goes to where it was taken from.
local function give_back(lease)
  pay(lease, 0)
  take_tokens(lease.owner, -1)
  redis.call("ZREM", again, lease.member)
  on_line(lease.owner, "ZADD", lease.owner .. suffix, lease.ready, lease.id)
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
  on_line(lease.owner, "ZADD", lease.owner .. suffix, arrive(), lease.id)
  return 1
end
