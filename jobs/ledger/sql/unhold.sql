-- unhold: jobs held because their organization was suspended go on once it is active.
-- parameters  limit int
-- result      the jobs that go on: id
-- locks       the rows; SKIP LOCKED, so that two schedulers share the work
-- cost        partial index job_held
WITH free AS (
    SELECT j.id FROM jobs_job j JOIN tenancy_organization o ON o.id = j.organization_id
    WHERE j.hold = 'organization_suspended' AND o.state = 'active'
    LIMIT %(limit)s FOR UPDATE OF j SKIP LOCKED
)
UPDATE jobs_job j SET hold = NULL FROM free f WHERE j.id = f.id
RETURNING j.id
