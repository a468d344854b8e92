-- unhold: jobs held because their organization was suspended go on once it is active.
-- parameters  limit int
-- result      the jobs that go on: id
-- locks       the rows; SKIP LOCKED, so that two schedulers share the work
-- cost        partial index job_held: one look for each organization that has held jobs, however many
--             they are, and O(log n) for each job that goes on
WITH RECURSIVE holding AS (
    (SELECT organization_id FROM jobs_job WHERE hold IS NOT NULL ORDER BY organization_id LIMIT 1)
    UNION ALL
    SELECT (
        SELECT j.organization_id FROM jobs_job j
        WHERE j.hold IS NOT NULL AND j.organization_id > h.organization_id
        ORDER BY j.organization_id LIMIT 1
    )
    FROM holding h WHERE h.organization_id IS NOT NULL
),
free AS (
    SELECT held.id
    FROM holding h
    JOIN tenancy_organization o ON o.id = h.organization_id AND o.state = 'active'
    CROSS JOIN LATERAL (
        SELECT j.id FROM jobs_job j
        WHERE j.organization_id = o.id AND j.hold = 'organization_suspended'
        LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ) held
    LIMIT %(limit)s
)
UPDATE jobs_job j SET hold = NULL FROM free f WHERE j.id = f.id
RETURNING j.id
