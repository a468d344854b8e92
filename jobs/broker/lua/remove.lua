#!lua flags=allow-oom
-- remove: take waiting and delayed messages of one owner out, so that they never start. Leased ones
-- are left alone: somebody may be running them.
-- KEYS    the group's (include/group.lua)
-- ARGV    suffix, owner, then at most 100 message ids
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
for i = 3, #ARGV do
  local id = ARGV[i]
  local waited = redis.call("ZREM", queue, id)
  if waited == 1 or redis.call("ZREM", due, owner .. " " .. id) == 1 then
    redis.call("HDEL", queue .. ":messages", id)
    removed[#removed + 1] = id
    waiting = waiting + waited
  end
end
if waiting > 0 then
  align(owner)
end
count("messages", -#removed)
count("waiting", -waiting)
return removed
