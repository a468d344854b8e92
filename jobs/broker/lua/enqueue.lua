#!lua
-- enqueue: put messages at the end of their owners' queues, or among the delayed ones. A message
-- that waits or is delayed already is left as it is, so repeating is harmless. One that is leased is
-- marked: its job was perhaps settled and enqueued again before the acknowledgement came here, and
-- comes back then. Plain messages are not: no ledger would catch a second run.
-- KEYS    the group's (include/group.lua)
-- ARGV    suffix, recovering ("1": do not ask for the epoch), then per message, at most 16:
--         owner, message id, delay (µs), kind, body
-- result  how many were new
-- cost    O(log n) a message, n = what waits for its owner
-- No allow-oom: a full Redis refuses the whole call before anything was written.
--#include group
--#include limits
--#include line
local recovering = ARGV[2] == "1"

if not recovering and epoch_lost() then
  return NO_EPOCH
end

local due_before = next_due()
local touched, new, waiting = {}, 0, 0
virtual_time()

local function mark(owner, id, at)
  local member = owner .. " " .. id
  local is_leased = not on_line(owner, "ZSCORE", owner .. suffix, id)
    and not redis.call("ZSCORE", due, member)
  if is_leased and owner ~= "plain" then
    redis.call("ZADD", again, "LT", at, member)
  end
end

for i = 3, #ARGV, 5 do
  local owner, id, delay, kind, body = unpack(ARGV, i, i + 4)
  local queue, at = owner .. suffix, now + tonumber(delay)
  local value = "0:" .. kind .. " " .. body
  if on_line(owner, "HSETNX", queue .. ":messages", id, value) == 0 then
    mark(owner, id, at)
  else
    new = new + 1
    if at > now then
      redis.call("ZADD", due, at, owner .. " " .. id)
    else
      local _, dropped = on_line(owner, "ZADD", queue, arrive(), id)
      if dropped then
        redis.call("HSET", queue .. ":messages", id, value)
      end
      touched[owner] = true
      waiting = waiting + 1
    end
  end
end
count("waiting", waiting)
finish(touched, due_before)
return new
