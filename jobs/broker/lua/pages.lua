#!lua flags=no-writes
-- pages: the ids of one owner's messages, waiting, delayed or leased, a part at a time. A message that is
-- there from the first part to the last is named at least once.
-- KEYS    the group's (include/group.lua)
-- ARGV    suffix, owner, cursor ("0" begins)
-- result  the next cursor ("0": this was the last), the ids
-- cost    O(1) for each of about 100 messages
--#include group
local owner, cursor = ARGV[2], ARGV[3]

if epoch_lost() then
  return NO_EPOCH
end

local found = peek("HSCAN", owner .. suffix .. ":messages", cursor, "COUNT", 100)
local answer = { found[1] }
for i = 1, #found[2], 2 do
  answer[#answer + 1] = found[2][i]
end
return answer
