#!lua flags=no-writes
-- depth: how much waits for one owner, and how long the first of it.
-- KEYS    the group's (include/group.lua)
-- ARGV    suffix, owner
-- result  waiting messages, age of the oldest (µs, -1: none waits)
-- cost    O(log owners)
--#include group
local owner = ARGV[2]

if epoch_lost() then
  return NO_EPOCH
end

local ready = redis.call("ZSCORE", heads, owner)
return {
  peek("ZCARD", owner .. suffix) or 0,
  ready and math.max(0, now_us() - (number(ready) or now_us())) or -1,
}
