#!lua flags=no-writes
-- totals: the size of a whole group.
-- KEYS    the group's (include/group.lua)
-- ARGV    suffix
-- result  waiting, delayed, leased messages, age of the oldest waiting one (µs, -1: none), owners
--         with something waiting, consumers whose leases have not ended
-- cost    O(log consumers)
--#include group
if epoch_lost() then
  return NO_EPOCH
end

local now = now_us()
local head = redis.call("ZRANGE", heads, 0, 0, "WITHSCORES")
return {
  state_number("waiting"),
  redis.call("ZCARD", due),
  state_number("leased"),
  head[2] and math.max(0, now - (number(head[2]) or now)) or -1,
  redis.call("ZCARD", heads),
  redis.call("ZCOUNT", consumers, now, "+inf"),
}
