-- remove: delete entries that the file does not have, keep each as it was, and note the chunk.
-- parameters  organization_id bigint, import_id uuid, job_id uuid, number integer, row bigint (the
--             last of the file), ids bigint[], missions text[] (the reference of each one's mission, as
--             it was approved)
-- result      removed, changes_sha256, and the missions that lost entries (mission_ids)
-- locks       the entries that it deletes
-- cost        an index look-up and a write for each, and one for its row of the journal
--
-- One that is in another mission by now, or whose project was archived, is not what was approved.
-- changes_sha256 is over the lines of `chunk.sql`, as `removed`.
WITH wanted AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(missions)s::text[]) AS w (id, mission)
),
removed AS (
    DELETE FROM tenancy_timelineentry e
    USING wanted w
    JOIN tenancy_mission m
        ON m.organization_id = %(organization_id)s AND m.reference = w.mission
    JOIN tenancy_project p
        ON p.organization_id = m.organization_id AND p.id = m.project_id AND p.state <> 'archived'
    WHERE e.organization_id = %(organization_id)s AND e.id = w.id AND e.mission_id = m.id
    RETURNING e.id, e.mission_id, digest_of(e) AS digest,
        to_jsonb(e.*) - 'organization_id' AS before
),
kept AS (
    INSERT INTO jobs_journalchange
        (organization_id, import_id, chunk, row, kind, entity_id, before, digest_after)
    SELECT %(organization_id)s, %(import_id)s, %(number)s, NULL, 'removed', id, before, NULL
    FROM removed
),
noted AS (
    INSERT INTO jobs_importchunk (
        organization_id, import_id, is_undo, number, first_row, last_row, added, changed, unchanged,
        removed, failed, added_ids, added_rows, added_digests, changes_sha256, job_id
    )
    SELECT %(organization_id)s, %(import_id)s, false, %(number)s, %(row)s, %(row)s, 0, 0, 0,
        count(*), 0, '{}', '{}', ''::bytea,
        encode(sha256(convert_to(coalesce(string_agg(
            'timelineentry ' || id || ' removed ' || encode(digest, 'hex') || ' -', E'\n'
            ORDER BY id
        ), ''), 'UTF8')), 'hex'), %(job_id)s
    FROM removed
    RETURNING removed, changes_sha256
)
SELECT removed, changes_sha256, ARRAY(SELECT DISTINCT mission_id FROM removed) AS mission_ids
FROM noted
