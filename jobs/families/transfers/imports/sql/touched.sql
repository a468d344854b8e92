-- touched: the missions whose timelines a chunk has changed.
-- parameters  organization_id bigint, import_id uuid, chunk integer
-- result      id of each: where entries are now, and where changed ones were before
-- locks       none
-- cost        the chunk once, and its journal
SELECT mission_id AS id FROM imports_resolved WHERE outcome IN ('added', 'changed')
UNION
SELECT (before->>'mission_id')::bigint FROM jobs_journalchange
WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s AND chunk = %(chunk)s
    AND kind = 'changed'
