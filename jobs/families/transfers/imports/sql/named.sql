-- named: how many entries the missions have by now that the file names.
-- parameters  organization_id bigint
-- result      entries
-- locks       none
-- cost        a hash of what the dry run has seen, and the entries of the named missions once
SELECT count(*) AS entries FROM tenancy_timelineentry
WHERE organization_id = %(organization_id)s
    AND mission_id IN (SELECT mission_id FROM imports_seen)
