#!lua flags=allow-oom
-- remove: take waiting and delayed messages of one owner out, so that they never start. Leased ones
-- are left alone, since somebody may be running them; but they do not come back.
-- KEYS    the group's (include/group.lua)
-- ARGV    suffix, owner, then at most 16 message ids
-- result  the ids that were taken out
-- cost    O(log n) a message
--#include group
--#include limits
--#include line
local owner = ARGV[2]
local queue = owner .. suffix

if epoch_lost() then
  return NO_EPOCH
end

local removed, waiting = {}, 0
virtual_time()
for i = 3, #ARGV do
  local id = ARGV[i]
  local waited = on_line(owner, "ZREM", queue, id)
  redis.call("ZREM", again, owner .. " " .. id)
  if waited == 1 or redis.call("ZREM", due, owner .. " " .. id) == 1 then
    on_line(owner, "HDEL", queue .. ":messages", id)
    removed[#removed + 1] = id
    waiting = waiting + waited
  end
end
count("waiting", -waiting)
finish(waiting > 0 and { [owner] = true } or {})
return removed
