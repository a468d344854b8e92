-- request_cancel: jobs that run are asked to end; their workers hear of it.
-- parameters  organization_ids bigint[], job_ids uuid[] (pairs)
-- result      the jobs that run: organization_id, id, queue_group
-- locks       the rows, in id order
-- cost        index job_pkey, O(log n) a job
WITH running AS (
    SELECT j.id FROM jobs_job j
    JOIN unnest(%(organization_ids)s::bigint[], %(job_ids)s::uuid[]) AS w (organization_id, job_id)
        ON j.organization_id = w.organization_id AND j.id = w.job_id
    WHERE j.state = 'running'
    ORDER BY j.id FOR UPDATE OF j
)
UPDATE jobs_job j
SET cancel_requested_at = coalesce(j.cancel_requested_at, clock_timestamp())
FROM running r WHERE j.id = r.id
RETURNING j.organization_id, j.id, j.queue_group
