-- resolve: what each staged row would be, against what is there now.
-- parameters  organization_id bigint, commits boolean (whether new entries get their ids)
-- result      temporary table imports_resolved, one row for each of imports_staged: outcome (added,
--             changed, unchanged or failed), problems (`field:code`, only where it failed), id (of the
--             entry), the values it would have, digest_before and digest, both of all values,
--             is_renamed (an entry that is there gets another external id)
-- locks       none; `change` notices what changed meanwhile
-- cost        an index look-up a row, and a hash of the organization's missions
--
-- Whose rows these are is said in each join: row security would find the same, and not by an index.
-- Entries are looked up one by one: a plain join, planned before the statistics know of the chunks
-- before this one, compares every row with every entry (minutes for the second 50,000). So does an
-- equality, by the index of (organization_id, id), which is as good where the table is held for
-- empty; only the index of external ids has their order.
CREATE TEMP TABLE imports_resolved ON COMMIT DROP AS
WITH archived AS MATERIALIZED (
    SELECT m.id FROM tenancy_project p
    JOIN tenancy_mission m ON m.organization_id = p.organization_id AND m.project_id = p.id
    WHERE p.organization_id = %(organization_id)s AND p.state = 'archived'
),
found AS (
    SELECT s AS s, e AS e, false AS is_other
    FROM imports_staged s
    LEFT JOIN LATERAL (
        SELECT * FROM tenancy_timelineentry o
        WHERE o.organization_id = %(organization_id)s
            AND o.external_id >= s.key AND o.external_id <= s.key
        ORDER BY o.external_id LIMIT 1
    ) e ON true
    WHERE s.id IS NULL
    UNION ALL
    SELECT s, e, EXISTS (
        SELECT FROM tenancy_timelineentry o
        WHERE o.organization_id = %(organization_id)s AND o.external_id = s.key AND o.id <> s.id
    )
    FROM imports_staged s
    LEFT JOIN LATERAL (
        SELECT * FROM tenancy_timelineentry o
        WHERE o.organization_id = %(organization_id)s AND o.id = s.id
        LIMIT 1
    ) e ON true
    WHERE s.id IS NOT NULL
),
joined AS (
    SELECT (s).row, (s).line, (s).id AS given_id, (s).mission AS given_mission,
        is_other, (e).id AS target_id, (e).mission_id AS mission_before,
        (e).external_id AS external_id_before,
        coalesce(r.id, n.id, CASE WHEN (s).mission IS NULL THEN (e).mission_id END) AS mission_id,
        CASE WHEN (s).clears & 1 > 0 THEN NULL
            ELSE coalesce((s).key, (e).external_id) END AS external_id,
        coalesce((s).kind, (e).kind, 'note') AS kind,
        coalesce((s).title, (e).title) AS title,
        coalesce((s).starts_at, (e).starts_at) AS starts_at,
        CASE WHEN (s).clears & 2 > 0 THEN NULL ELSE coalesce((s).ends_at, (e).ends_at) END AS ends_at,
        CASE WHEN (s).clears & 4 > 0 THEN ''
            ELSE coalesce((s).location, (e).location, '') END AS location,
        CASE WHEN (s).clears & 8 > 0 THEN '' ELSE coalesce((s).notes, (e).notes, '') END AS notes,
        CASE WHEN (e).id IS NOT NULL THEN digest_of((e)) END AS digest_before
    FROM found
    LEFT JOIN tenancy_mission r
        ON r.organization_id = %(organization_id)s AND r.reference = (s).mission
    LEFT JOIN tenancy_mission n
        ON n.organization_id = %(organization_id)s
        AND n.id = CASE WHEN (s).mission ~ '^[0-9]{1,18}$' THEN (s).mission::bigint END
),
compared AS (SELECT j.*, digest_of(j) AS digest FROM joined j),
judged AS (
    SELECT c.*, array_remove(ARRAY[
        CASE WHEN given_id IS NOT NULL AND target_id IS NULL THEN 'id:unknown_reference' END,
        CASE WHEN is_other THEN 'id:identity_conflict' END,
        CASE WHEN target_id IS NULL AND given_id IS NULL AND external_id IS NULL
            THEN 'external_id:required' END,
        CASE WHEN mission_id IS NULL AND given_mission IS NULL THEN 'mission:required'
            WHEN mission_id IS NULL THEN 'mission:unknown_reference'
            WHEN digest IS DISTINCT FROM digest_before AND (
                mission_id IN (SELECT id FROM archived) OR mission_before IN (SELECT id FROM archived)
            ) THEN 'mission:not_editable' END,
        CASE WHEN title IS NULL THEN 'title:required' END,
        CASE WHEN starts_at IS NULL THEN 'starts_at:required' END,
        CASE WHEN ends_at < starts_at THEN 'ends_at:before_start' END
    ], NULL) AS problems
    FROM compared c
),
ordered AS MATERIALIZED (SELECT * FROM judged ORDER BY row)
SELECT row, line, target_id, mission_id, external_id, kind, title, starts_at, ends_at, location,
    notes, digest_before, digest, problems,
    target_id IS NOT NULL AND external_id IS DISTINCT FROM external_id_before AS is_renamed,
    CASE WHEN cardinality(problems) > 0 THEN 'failed'
        WHEN target_id IS NULL THEN 'added'
        WHEN digest = digest_before THEN 'unchanged'
        ELSE 'changed' END AS outcome,
    CASE WHEN target_id IS NULL AND cardinality(problems) = 0 AND %(commits)s
        THEN nextval('tenancy_timelineentry_id_seq') ELSE target_id END AS id
FROM ordered
