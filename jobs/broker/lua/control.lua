#!lua flags=allow-oom
-- control: set what owners may take, in force for the very next fetch. A bucket of tokens starts
-- full when its rate or burst changes.
-- KEYS    the group's (include/group.lua)
-- ARGV    suffix, recovering ("1": do not ask for the epoch), then per owner, at most 16: owner,
--         "weight paused limit rate burst" ("": no control)
-- result  nil
-- cost    O(log owners) an owner
--#include group
--#include limits
--#include line
local recovering = ARGV[2] == "1"

if not recovering and epoch_lost() then
  return NO_EPOCH
end

local due_before = next_due()
local touched = {}
virtual_time()
for i = 3, #ARGV, 2 do
  local owner, text = ARGV[i], ARGV[i + 1]
  local before = redis.call("HGET", controls, owner) or ""
  if string.match(before, "%S+ %S+$") ~= string.match(text, "%S+ %S+$") then
    redis.call("HDEL", buckets, owner)
    redis.call("ZREM", resting, owner)
  end
  if text == "" then
    redis.call("HDEL", controls, owner)
  else
    redis.call("HSET", controls, owner, text)
  end
  touched[owner] = true
end
finish(touched, due_before)
return nil
