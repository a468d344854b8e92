-- undo: take back one chunk of an import, and note what that changed.
-- parameters  organization_id bigint, import_id uuid, job_id uuid, chunk integer, writes boolean
--             (false: only count)
-- result      deleted, restored, kept, and of the kept ones id and row (kept_ids, kept_rows); the
--             missions whose entries were written (mission_ids)
-- locks       the entries that it takes back
-- cost        the chunk's lists once, an index look-up for each entry, a write for each taken back
--
-- Only what is as it was written is taken back, by its digest: what somebody has touched since stays.
-- So does a changed entry whose former mission is gone, or whose former external id another one has;
-- and one that was removed stays so then, or where its id is in use again.
-- The list that changes_sha256 is over has the lines of `chunk.sql`, with `deleted` and `restored`.
WITH chunk AS MATERIALIZED (
    -- `||` brings the list into memory once, not once for each of its parts
    SELECT added_ids, added_rows, added_digests || ''::bytea AS digests
    FROM jobs_importchunk
    WHERE organization_id = %(organization_id)s AND import_id = %(import_id)s AND NOT is_undo
        AND number = %(chunk)s
),
added AS MATERIALIZED (
    SELECT a.id, a.row, substr(c.digests, (16 * (a.place - 1) + 1)::int, 16) AS digest
    FROM chunk c, unnest(c.added_ids, c.added_rows) WITH ORDINALITY AS a (id, row, place)
),
to_delete AS MATERIALIZED (
    SELECT a.* FROM added a
    JOIN tenancy_timelineentry e ON e.organization_id = %(organization_id)s AND e.id = a.id
    WHERE digest_of(e) = a.digest
),
changed AS MATERIALIZED (
    SELECT j.entity_id AS id, j.row, j.digest_after AS digest, w.mission_id, w.external_id, w.kind,
        w.title, w.starts_at, w.ends_at, w.location, w.notes, digest_of(w) AS digest_before
    FROM jobs_journalchange j
    CROSS JOIN LATERAL jsonb_populate_record(NULL::tenancy_timelineentry, j.before) w
    WHERE j.organization_id = %(organization_id)s AND j.import_id = %(import_id)s
        AND j.chunk = %(chunk)s AND j.kind = 'changed'
),
to_restore AS MATERIALIZED (
    SELECT c.* FROM changed c
    JOIN tenancy_timelineentry e ON e.organization_id = %(organization_id)s AND e.id = c.id
    WHERE digest_of(e) = c.digest
        AND EXISTS (
            SELECT FROM tenancy_mission m
            WHERE m.organization_id = %(organization_id)s AND m.id = c.mission_id
        )
        AND NOT EXISTS (
            SELECT FROM tenancy_timelineentry o
            WHERE o.organization_id = %(organization_id)s AND o.external_id = c.external_id
                AND o.id <> c.id
        )
),
removed AS MATERIALIZED (
    SELECT j.entity_id AS id, w.mission_id, w.external_id, w.kind, w.title, w.starts_at, w.ends_at,
        w.location, w.notes, digest_of(w) AS digest_before
    FROM jobs_journalchange j
    CROSS JOIN LATERAL jsonb_populate_record(NULL::tenancy_timelineentry, j.before) w
    WHERE j.organization_id = %(organization_id)s AND j.import_id = %(import_id)s
        AND j.chunk = %(chunk)s AND j.kind = 'removed'
),
to_put_back AS MATERIALIZED (
    SELECT r.* FROM removed r
    WHERE EXISTS (
            SELECT FROM tenancy_mission m
            WHERE m.organization_id = %(organization_id)s AND m.id = r.mission_id
        )
        AND NOT EXISTS (
            SELECT FROM tenancy_timelineentry o
            WHERE o.organization_id = %(organization_id)s
                AND (o.external_id = r.external_id OR o.id = r.id)
        )
),
put_back AS (
    INSERT INTO tenancy_timelineentry (
        id, organization_id, mission_id, external_id, kind, title, starts_at, ends_at, location,
        notes
    )
    SELECT id, %(organization_id)s, mission_id, external_id, kind, title, starts_at, ends_at,
        location, notes
    FROM to_put_back WHERE %(writes)s
    ORDER BY external_id
    ON CONFLICT DO NOTHING
    RETURNING id, mission_id
),
deleted AS (
    DELETE FROM tenancy_timelineentry e USING to_delete a
    WHERE %(writes)s AND e.organization_id = %(organization_id)s AND e.id = a.id
        AND digest_of(e) = a.digest
    RETURNING e.id, e.mission_id
),
restored AS (
    UPDATE tenancy_timelineentry e
    SET mission_id = c.mission_id, external_id = c.external_id, kind = c.kind, title = c.title,
        starts_at = c.starts_at, ends_at = c.ends_at, location = c.location, notes = c.notes
    FROM to_restore c
    WHERE %(writes)s AND e.organization_id = %(organization_id)s AND e.id = c.id
        AND digest_of(e) = c.digest
    RETURNING e.id, new.mission_id, old.mission_id AS mission_before
),
undone AS (
    SELECT id, row, 'deleted' AS kind, digest AS before, NULL::bytea AS after FROM to_delete
    WHERE NOT %(writes)s OR id IN (SELECT id FROM deleted)
    UNION ALL
    SELECT id, row, 'restored', digest, digest_before FROM to_restore
    WHERE NOT %(writes)s OR id IN (SELECT id FROM restored)
    UNION ALL
    SELECT id, NULL, 'restored', NULL, digest_before FROM to_put_back
    WHERE NOT %(writes)s OR id IN (SELECT id FROM put_back)
),
kept AS (
    SELECT id, row FROM (
        SELECT id, row FROM added UNION ALL SELECT id, row FROM changed
        UNION ALL SELECT id, 0 FROM removed
    ) every
    WHERE id NOT IN (SELECT id FROM undone)
),
counted AS (
    SELECT count(*) FILTER (WHERE kind = 'deleted') AS deleted,
        count(*) FILTER (WHERE kind = 'restored') AS restored,
        (SELECT count(*) FROM kept) AS kept,
        coalesce(min(row), 0) AS first_row, coalesce(max(row), 0) AS last_row,
        encode(sha256(convert_to(coalesce(string_agg(
            'timelineentry ' || id || ' ' || kind || ' '
            || coalesce(encode(before, 'hex'), '-') || ' '
            || coalesce(encode(after, 'hex'), '-'), E'\n' ORDER BY id
        ), ''), 'UTF8')), 'hex') AS changes_sha256
    FROM undone
),
noted AS (
    INSERT INTO jobs_importchunk (
        organization_id, import_id, is_undo, number, first_row, last_row, added, changed, unchanged,
        removed, failed, added_ids, added_rows, added_digests, changes_sha256, job_id
    )
    SELECT %(organization_id)s, %(import_id)s, true, %(chunk)s, first_row, last_row, 0, restored, 0,
        deleted, kept, '{}', '{}', ''::bytea, changes_sha256, %(job_id)s
    FROM counted
    WHERE %(writes)s
)
SELECT deleted, restored, kept, changes_sha256,
    (SELECT coalesce(array_agg(id ORDER BY row), '{}') FROM kept) AS kept_ids,
    (SELECT coalesce(array_agg(row ORDER BY row), '{}') FROM kept) AS kept_rows,
    ARRAY(
        SELECT mission_id FROM deleted UNION SELECT mission_id FROM restored
        UNION SELECT mission_id FROM put_back
        UNION SELECT mission_before FROM restored
    ) AS mission_ids
FROM counted
