#!lua flags=allow-oom
-- flush: drop waiting and delayed messages of all owners of a group. Leased ones are left alone.
-- KEYS    the group's (include/group.lua)
-- ARGV    suffix
-- result  how many were dropped, at most 16; the caller repeats until there are none
-- cost    O(log n) a message
--#include group
--#include limits
--#include line
local BUDGET = 16

if epoch_lost() then
  return NO_EPOCH
end

local dropped, waiting = 0, 0
virtual_time()
local touched = {}
for _, owner in ipairs(redis.call("ZRANGE", heads, 0, BUDGET - 1)) do
  if dropped == BUDGET then
    break
  end
  local queue = owner .. suffix
  local ids = on_line(owner, "ZRANGE", queue, 0, BUDGET - dropped - 1)
  if #ids > 0 then
    redis.call("ZREM", queue, unpack(ids))
    on_line(owner, "HDEL", queue .. ":messages", unpack(ids))
  end
  dropped = dropped + #ids
  waiting = waiting + #ids
  touched[owner] = true
end
align(touched)
if dropped < BUDGET then
  for _, member in ipairs(redis.call("ZRANGE", due, 0, BUDGET - dropped - 1)) do
    local owner, id = split(member)
    redis.call("ZREM", due, member)
    on_line(owner, "HDEL", owner .. suffix .. ":messages", id)
    dropped = dropped + 1
  end
end
count("waiting", -waiting)
finish({})
return dropped
