-- change: write the entries that differ, and keep each as it was.
-- parameters  organization_id bigint, import_id uuid, chunk integer
-- result      changed: how many; fewer than imports_resolved has when somebody changed one meanwhile:
--             then the caller undoes the chunk and resolves it anew
-- locks       the entries that change
-- cost        an index look-up and a write for each, and one for its row of the journal
WITH written AS (
    UPDATE tenancy_timelineentry e
    SET mission_id = r.mission_id, external_id = r.external_id, kind = r.kind, title = r.title,
        starts_at = r.starts_at, ends_at = r.ends_at, location = r.location, notes = r.notes
    FROM imports_resolved r
    WHERE e.organization_id = %(organization_id)s AND e.id = r.id AND r.outcome = 'changed'
        AND digest_of(e) = r.digest_before
    RETURNING e.id, r.row, r.digest, to_jsonb(old.*) - 'organization_id' AS before
),
kept AS (
    INSERT INTO jobs_journalchange
        (organization_id, import_id, chunk, row, kind, entity_id, before, digest_after)
    SELECT %(organization_id)s, %(import_id)s, %(chunk)s, row, 'changed', id, before, digest
    FROM written
)
SELECT count(*) AS changed FROM written
