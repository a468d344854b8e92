-- see: note for the whole dry run which entry each row is about, to find what comes twice.
-- parameters  none
-- result      none; into imports_seen, the session's table that `seen.sql` makes
-- locks       none
-- cost        a narrow row for each, two for those that are renamed
INSERT INTO imports_seen
SELECT row, line,
    md5(CASE WHEN target_id IS NULL THEN 'new ' || external_id ELSE 'id ' || target_id END)::uuid,
    digest, outcome, target_id, mission_id
FROM imports_resolved
WHERE outcome <> 'failed'
UNION ALL
-- An entry that is given another external id is about that one too; it is never the same as another.
SELECT row, line, md5('new ' || external_id)::uuid, NULL, outcome, NULL, NULL
FROM imports_resolved
WHERE outcome <> 'failed' AND is_renamed AND external_id IS NOT NULL
