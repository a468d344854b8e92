-- chunk: note what the chunk did, for its audit event, for undo and for an entry's history.
-- parameters  organization_id bigint, import_id uuid, job_id uuid, number integer, first_row bigint,
--             last_row bigint
-- result      added, changed, unchanged, failed, changes_sha256
-- locks       none
-- cost        the chunk once, sorted by entry
--
-- changes_sha256 is over one line for each change, in the order of the entries' ids:
--     timelineentry {id} {added|changed} {digest before, or -} {digest after}
-- Digests are hexadecimal, of 16 bytes, as the chunk and the journal keep them.
WITH counted AS (
    SELECT count(*) FILTER (WHERE outcome = 'added') AS added,
        count(*) FILTER (WHERE outcome = 'changed') AS changed,
        count(*) FILTER (WHERE outcome = 'unchanged') AS unchanged,
        count(*) FILTER (WHERE outcome = 'failed') AS failed
    FROM imports_resolved
),
listed AS (
    SELECT array_agg(id) FILTER (WHERE outcome = 'added') AS ids,
        array_agg(row) FILTER (WHERE outcome = 'added') AS rows,
        string_agg(digest, ''::bytea) FILTER (WHERE outcome = 'added') AS digests,
        min(id) FILTER (WHERE outcome = 'added') AS first_id,
        max(id) FILTER (WHERE outcome = 'added') AS last_id,
        string_agg(
            'timelineentry ' || id || ' ' || outcome || ' '
            || coalesce(encode(digest_before, 'hex'), '-') || ' ' || encode(digest, 'hex'), E'\n'
        ) AS lines
    FROM (
        SELECT * FROM imports_resolved WHERE outcome IN ('added', 'changed') ORDER BY id
    ) in_order
)
INSERT INTO jobs_importchunk (
    organization_id, import_id, is_undo, number, first_row, last_row, added, changed, unchanged,
    removed, failed, added_ids, added_rows, added_digests, first_added_id, last_added_id,
    changes_sha256, job_id
)
SELECT %(organization_id)s, %(import_id)s, false, %(number)s, %(first_row)s, %(last_row)s, added,
    changed, unchanged, 0, failed, coalesce(ids, '{}'), coalesce(rows, '{}'),
    coalesce(digests, ''::bytea), first_id, last_id,
    encode(sha256(convert_to(coalesce(lines, ''), 'UTF8')), 'hex'), %(job_id)s
FROM counted, listed
RETURNING added, changed, unchanged, failed, changes_sha256
