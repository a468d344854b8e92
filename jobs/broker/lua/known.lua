#!lua flags=no-writes
-- known: which messages are in Redis in any form (waiting, delayed, leased).
-- KEYS    the group's (include/group.lua)
-- ARGV    suffix, then at most 100 pairs: owner, message id
-- result  for each pair 1 if it is known, else 0
-- cost    O(1) a message
--#include group
if epoch_lost() then
  return NO_EPOCH
end

local known = {}
for i = 2, #ARGV, 2 do
  known[#known + 1] = peek("HEXISTS", ARGV[i] .. suffix .. ":messages", ARGV[i + 1]) or 0
end
return known
