-- add: write the new entries.
-- parameters  organization_id bigint
-- result      none; raises a unique violation when somebody has added one meanwhile: then the caller
--             undoes the chunk and resolves it anew
-- locks       the new external ids, until the transaction ends; in their order, so that two writers
--             do not wait for each other
-- cost        a row and its index entries for each
INSERT INTO tenancy_timelineentry (
    id, organization_id, mission_id, external_id, kind, title, starts_at, ends_at, location, notes
)
SELECT id, %(organization_id)s, mission_id, external_id, kind, title, starts_at, ends_at, location,
    notes
FROM imports_resolved
WHERE outcome = 'added'
ORDER BY external_id
