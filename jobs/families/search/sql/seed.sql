-- seed: count what was never counted: what is older than the counter, or came in past it.
-- parameters  organization_id bigint
-- result      added: how many entries are new
-- locks       the new entries
-- cost        a pass over the organization's missions, projects and entries
WITH added AS (
    INSERT INTO search_entry (
        organization_id, kind, entity_id, version, deleted, digest, changed_at
    )
    SELECT %(organization_id)s, f.kind, f.id, 1, false, '', clock_timestamp()
    FROM (
        SELECT 'mission' AS kind, id FROM tenancy_mission WHERE organization_id = %(organization_id)s
        UNION ALL
        SELECT 'project', id FROM tenancy_project WHERE organization_id = %(organization_id)s
    ) f
    WHERE NOT EXISTS (
        SELECT FROM search_entry e
        WHERE e.organization_id = %(organization_id)s AND e.kind = f.kind AND e.entity_id = f.id
    )
    ORDER BY f.kind, f.id
    ON CONFLICT (organization_id, kind, entity_id) DO NOTHING
    RETURNING id
)
SELECT count(*) AS added FROM added
