-- assignees: who is assigned to a mission whose timeline an import has changed.
-- parameters  organization_id bigint, import_id uuid
-- result      id of each collaborator
-- locks       none
-- cost        an index look-up for each entry that it added, and its journal
SELECT DISTINCT a.collaborator_id AS id
FROM tenancy_assignment a
WHERE a.organization_id = %(organization_id)s AND a.mission_id IN (
    SELECT e.mission_id
    FROM jobs_importchunk c
    CROSS JOIN unnest(c.added_ids) AS added (id)
    JOIN tenancy_timelineentry e
        ON e.organization_id = %(organization_id)s AND e.id = added.id
    WHERE c.organization_id = %(organization_id)s AND c.import_id = %(import_id)s AND NOT c.is_undo
    UNION
    SELECT (j.before->>'mission_id')::bigint
    FROM jobs_journalchange j
    WHERE j.organization_id = %(organization_id)s AND j.import_id = %(import_id)s
    UNION
    SELECT e.mission_id
    FROM jobs_journalchange j
    JOIN tenancy_timelineentry e
        ON e.organization_id = %(organization_id)s AND e.id = j.entity_id
    WHERE j.organization_id = %(organization_id)s AND j.import_id = %(import_id)s
)
ORDER BY id
