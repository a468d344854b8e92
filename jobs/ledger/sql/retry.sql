-- retry: an attempt failed and another follows after a delay.
-- parameters  organization_id bigint, job_id uuid, fence bigint, delay interval, error_class,
--             error_message, error_frame, traceback, traceback_digest (text)
-- result      the job's id, or no row when the fence is no longer its own
-- locks       the row
-- cost        indexes job_pkey, attempt_once_per_fence
WITH moved AS (
    UPDATE jobs_job
    SET state = 'retrying', run_at = clock_timestamp() + %(delay)s::interval, worker_id = '',
        losses = 0,  -- it ended an attempt alive: it is no suspect any more
        error_class = %(error_class)s, error_message = %(error_message)s
    WHERE organization_id = %(organization_id)s AND id = %(job_id)s
        AND state = 'running' AND fence = %(fence)s
    RETURNING organization_id, id, fence, run_at
),
closed AS (
    UPDATE jobs_attempt a
    SET ended_at = clock_timestamp(), outcome = 'failed', error_class = %(error_class)s,
        error_message = %(error_message)s, error_frame = %(error_frame)s,
        traceback = %(traceback)s, traceback_digest = %(traceback_digest)s, retry_at = m.run_at
    FROM moved m
    WHERE a.organization_id = %(organization_id)s AND a.job_id = %(job_id)s
        AND a.fence = %(fence)s
)
SELECT id FROM moved
