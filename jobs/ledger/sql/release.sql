-- release: give a running job back, uncounted; with a hold it waits in the ledger until that ends.
-- parameters  organization_id bigint, job_id uuid, fence bigint, hold text (or null)
-- result      the job's id, or no row when the fence is no longer its own
-- locks       the row
-- cost        indexes job_pkey, attempt_once_per_fence
WITH moved AS (
    UPDATE jobs_job
    SET state = CASE WHEN %(hold)s::text IS NULL THEN 'queued' ELSE 'scheduled' END,
        hold = %(hold)s, attempt = attempt - 1, worker_id = '', started_at = NULL,
        published_at = CASE WHEN %(hold)s::text IS NULL THEN published_at END
    WHERE organization_id = %(organization_id)s AND id = %(job_id)s
        AND state = 'running' AND fence = %(fence)s
    RETURNING organization_id, id, fence
),
closed AS (
    UPDATE jobs_attempt a SET ended_at = clock_timestamp(), outcome = 'released'
    FROM moved m
    WHERE a.organization_id = %(organization_id)s AND a.job_id = %(job_id)s
        AND a.fence = %(fence)s
)
SELECT id FROM moved
