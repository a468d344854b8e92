-- retry: an attempt failed and another follows after a delay.
-- parameters  organization_id bigint, job_id uuid, fence bigint, ran interval (since it started),
--             delay interval, error_class, error_message, error_frame, traceback,
--             traceback_digest (text)
-- result      the job's id, or no row when the fence is no longer its own
-- locks       the row
-- cost        index job_pkey, and the entries of one attempt
WITH moved AS (
    UPDATE jobs_job
    SET state = 'retrying', run_at = clock_timestamp() + %(delay)s::interval, worker_id = '',
        started_at = clock_timestamp() - %(ran)s::interval,
        losses = 0,  -- it ended an attempt alive: it is no suspect any more
        error_class = %(error_class)s, error_message = %(error_message)s
    WHERE organization_id = %(organization_id)s AND id = %(job_id)s
        AND state = 'running' AND fence = %(fence)s
    RETURNING organization_id, id, attempt, fence, old.worker_id AS worker_id, started_at, run_at
),
ended AS (
    INSERT INTO jobs_attempt (
        organization_id, job_id, number, fence, worker_id, started_at, ended_at, outcome, error_class,
        error_message, error_frame, traceback, traceback_digest, retry_at
    )
    SELECT organization_id, id, attempt, fence, worker_id, started_at, clock_timestamp(), 'failed',
        %(error_class)s, %(error_message)s, %(error_frame)s, %(traceback)s,
        %(traceback_digest)s, run_at
    FROM moved
)
SELECT id FROM moved
