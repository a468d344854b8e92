#!lua flags=no-writes
-- controls: what all owners may take, page by page.
-- KEYS    the group's (include/group.lua)
-- ARGV    suffix, cursor ("0": the first page)
-- result  the next cursor ("0": that was the last page), then per owner: owner,
--         "weight paused limit rate burst". An owner may come twice.
-- cost    O(page), about 100
--#include group
if epoch_lost() then
  return NO_EPOCH
end

local page = redis.call("HSCAN", controls, ARGV[2], "COUNT", 100)
local answer = page[2]
table.insert(answer, 1, page[1])
return answer
