-- documents: version and content of some documents, and the generations that are to be written.
-- parameters  organization_id bigint; kinds text[], entity_ids bigint[] (pairs); most_entries integer:
--             of a timeline, the newest; most_characters integer: of each long text
-- result      generations bigint[], the same in each row, and the fields of `documents.Document`, in
--             the order of kind and entity_id; if there is no document, one row without a kind
-- locks       none
-- cost        index look-ups for each document, and its whole timeline if that is short
WITH wanted AS MATERIALIZED (
    SELECT e.kind, e.entity_id, e.version, e.deleted
    FROM unnest(%(kinds)s::text[], %(entity_ids)s::bigint[]) AS w (kind, entity_id)
    JOIN search_entry e ON e.organization_id = %(organization_id)s
        AND e.kind = w.kind AND e.entity_id = w.entity_id
),
content AS (
    SELECT w.kind, w.entity_id, w.version, w.deleted OR m.id IS NULL AS deleted,
        m.project_id, m.reference, m.title, m.state, p.state = 'archived' AS archived,
        p.code || ' ' || p.name AS project, people.names AS people,
        concat_ws(E'\n', nullif(left(m.description, %(most_characters)s), ''), entries.texts) AS text
    FROM wanted w
    LEFT JOIN tenancy_mission m ON m.organization_id = %(organization_id)s AND m.id = w.entity_id
        AND NOT w.deleted
    LEFT JOIN tenancy_project p ON p.organization_id = %(organization_id)s AND p.id = m.project_id
    LEFT JOIN LATERAL (
        SELECT string_agg(concat_ws(' ', c.name, nullif(a.role, '')), E'\n' ORDER BY a.id) AS names
        FROM tenancy_assignment a
        JOIN tenancy_collaborator c ON c.organization_id = %(organization_id)s
            AND c.id = a.collaborator_id
        WHERE a.organization_id = %(organization_id)s AND a.mission_id = m.id
    ) people ON true
    LEFT JOIN LATERAL (
        SELECT string_agg(
            concat_ws(' ', t.title, nullif(t.location, ''),
                nullif(left(t.notes, %(most_characters)s), '')),
            E'\n' ORDER BY t.id DESC
        ) AS texts
        FROM (
            SELECT * FROM tenancy_timelineentry t
            WHERE t.organization_id = %(organization_id)s AND t.mission_id = m.id
            ORDER BY t.id DESC LIMIT %(most_entries)s
        ) t
    ) entries ON true
    WHERE w.kind = 'mission'
    UNION ALL
    SELECT w.kind, w.entity_id, w.version, w.deleted OR p.id IS NULL,
        p.id, p.code, p.name, p.state, p.state = 'archived', NULL, NULL, NULL
    FROM wanted w
    LEFT JOIN tenancy_project p ON p.organization_id = %(organization_id)s AND p.id = w.entity_id
        AND NOT w.deleted
    WHERE w.kind = 'project'
)
SELECT g.generations, c.*
FROM (
    SELECT ARRAY(
        SELECT id FROM search_generation
        WHERE organization_id = %(organization_id)s AND state <> 'dropped' ORDER BY id
    ) AS generations
) g
LEFT JOIN content c ON true
ORDER BY c.kind, c.entity_id
