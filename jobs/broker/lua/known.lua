#!lua flags=no-writes
-- known: which messages of one owner are in Redis in any form (waiting, delayed, leased).
-- KEYS    the group's (include/group.lua)
-- ARGV    suffix, owner, then at most 100 message ids
-- result  the ids that are known
-- cost    O(1) a message
--#include group
local owner = ARGV[2]

if epoch_lost() then
  return NO_EPOCH
end

local known = {}
for i = 3, #ARGV do
  if peek("HEXISTS", owner .. suffix .. ":messages", ARGV[i]) == 1 then
    known[#known + 1] = ARGV[i]
  end
end
return known
