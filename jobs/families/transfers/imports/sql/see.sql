-- see: note for the whole dry run which entry each row is about, to find what comes twice.
-- parameters  none
-- result      none; into imports_seen, the session's table that `seen.sql` makes
-- locks       none
-- cost        a narrow row for each
INSERT INTO imports_seen
SELECT row, line,
    md5(CASE WHEN target_id IS NULL THEN 'new ' || external_id ELSE 'id ' || target_id END)::uuid,
    digest, outcome
FROM imports_resolved
WHERE outcome <> 'failed'
