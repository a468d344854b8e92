#!lua
-- enqueue: put messages at the end of their owners' queues, or among the delayed ones. A message
-- that is already known (waiting, delayed or leased) is left as it is, so repeating is harmless.
-- KEYS    the group's (include/group.lua)
-- ARGV    suffix, recovering ("1": do not ask for the epoch), then per message, at most 100:
--         owner, message id, delay (µs), body
-- result  how many were new
-- cost    O(log n) a message, n = what waits for its owner
-- No allow-oom: a full Redis refuses the whole call before anything was written.
--#include group
--#include line
local recovering = ARGV[2] == "1"

if not recovering and epoch_lost() then
  return NO_EPOCH
end

local now = now_us()
local arrival = math.max(now, state_number("clock") + 1)
local due_before = redis.call("ZRANGE", due, 0, 0)[1]
local touched, new, waiting, delayed = {}, 0, 0, 0
for i = 3, #ARGV, 4 do
  local owner, id, delay, body = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), ARGV[i + 3]
  local queue = owner .. suffix
  if redis.call("HSETNX", queue .. ":messages", id, "0 " .. body) == 1 then
    new = new + 1
    if delay > 0 then
      redis.call("ZADD", due, now + delay, owner .. " " .. id)
      delayed = delayed + 1
    else
      redis.call("ZADD", queue, arrival, id)
      arrival = arrival + 1
      touched[owner] = true
      waiting = waiting + 1
    end
  end
end
align_all(touched)
count("messages", new)
count("waiting", waiting)
if waiting > 0 then
  redis.call("HSET", state, "clock", arrival - 1)
end
-- An idle consumer sleeps until the earliest delayed message that it knows of.
if waiting > 0 or delayed > 0 and redis.call("ZRANGE", due, 0, 0)[1] ~= due_before then
  signal()
end
return new
