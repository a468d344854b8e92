-- unlisted: the entries of the missions that the file names which no row of it is about.
-- parameters  organization_id bigint
-- result      id, mission_id, in the order of id; read by COPY, so that nobody holds them all
-- locks       none
-- cost        a hash of what the dry run has seen, and the entries of the named missions once
--
-- Missions of archived projects lose nothing: they are kept to read.
SELECT e.id, e.mission_id
FROM tenancy_timelineentry e
JOIN tenancy_mission m ON m.organization_id = e.organization_id AND m.id = e.mission_id
JOIN tenancy_project p ON p.organization_id = m.organization_id AND p.id = m.project_id
WHERE e.organization_id = %(organization_id)s AND p.state <> 'archived'
    AND e.mission_id IN (SELECT mission_id FROM imports_seen)
    AND NOT EXISTS (SELECT FROM imports_seen s WHERE s.target_id = e.id)
ORDER BY e.id
