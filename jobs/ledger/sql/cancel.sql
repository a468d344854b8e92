-- cancel: jobs that have not started never will.
-- parameters  organization_ids bigint[], job_ids uuid[] (pairs), reason text
-- result      the jobs that were cancelled: organization_id, id, queue_group
-- locks       the rows, in id order
-- cost        index job_pkey, O(log n) a job
WITH locked AS (
    SELECT j.id FROM jobs_job j
    JOIN unnest(%(organization_ids)s::bigint[], %(job_ids)s::uuid[]) AS w (organization_id, job_id)
        ON j.organization_id = w.organization_id AND j.id = w.job_id
    WHERE j.state IN ('scheduled', 'queued', 'retrying')
    ORDER BY j.id FOR UPDATE OF j
)
UPDATE jobs_job j
SET state = 'cancelled', finished_at = clock_timestamp(), reason = %(reason)s, hold = NULL
FROM locked l WHERE j.id = l.id
RETURNING j.organization_id, j.id, j.queue_group
