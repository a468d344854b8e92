-- unlisted: the entries of the missions that the file names which no row of it is about.
-- parameters  organization_id bigint
-- result      the columns of `planned`, in the order of id; read by COPY: nobody holds them all
-- locks       none
-- cost        a hash of what the dry run has seen, and the entries of the named missions once
--
-- Missions of archived projects lose nothing: they are kept to read.
SELECT NULL AS row, e.id, safe(e.external_id) AS external_id, safe(e.title) AS title,
    'mission' AS field, m.reference AS before, NULL AS after
FROM tenancy_timelineentry e
JOIN tenancy_mission m ON m.organization_id = e.organization_id AND m.id = e.mission_id
JOIN tenancy_project p ON p.organization_id = m.organization_id AND p.id = m.project_id
WHERE e.organization_id = %(organization_id)s AND p.state <> 'archived'
    AND e.mission_id IN (SELECT mission_id FROM imports_seen)
    AND NOT EXISTS (SELECT FROM imports_seen s WHERE s.target_id = e.id)
ORDER BY e.id
