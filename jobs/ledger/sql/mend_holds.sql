-- mend_holds: jobs that wait for a breaker that is no more go on.
-- parameters  organization_ids bigint[], job_ids uuid[] (pairs)
-- result      the jobs that go on: id
-- locks       the rows
-- cost        index job_pkey, O(log n) a job
UPDATE jobs_job j SET hold = NULL, breaker_id = NULL
FROM unnest(%(organization_ids)s::bigint[], %(job_ids)s::uuid[]) AS w (organization_id, job_id)
WHERE j.organization_id = w.organization_id AND j.id = w.job_id AND j.hold = 'breaker'
    AND NOT EXISTS (
        SELECT FROM jobs_breaker b WHERE b.organization_id = j.organization_id AND b.id = j.breaker_id
    )
RETURNING j.id
