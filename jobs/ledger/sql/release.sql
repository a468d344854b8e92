-- release: give a running job back, uncounted; with a hold it waits in the ledger until that ends.
-- parameters  organization_id bigint, job_id uuid, fence bigint, hold text (or null), ran interval
--             (since it started; null: its actor was not called, no attempt is told of)
-- result      the job's id, or no row when the fence is no longer its own
-- locks       the row
-- cost        index job_pkey, and the entries of one attempt
WITH moved AS (
    UPDATE jobs_job
    SET state = CASE WHEN %(hold)s::text IS NULL THEN 'queued' ELSE 'scheduled' END,
        hold = %(hold)s, attempt = attempt - 1, worker_id = '', started_at = NULL,
        published_at = CASE WHEN %(hold)s::text IS NULL THEN published_at END
    WHERE organization_id = %(organization_id)s AND id = %(job_id)s
        AND state = 'running' AND fence = %(fence)s
    RETURNING organization_id, id, old.attempt AS attempt, fence, old.worker_id AS worker_id
),
ended AS (
    INSERT INTO jobs_attempt (
        organization_id, job_id, number, fence, worker_id, started_at, ended_at, outcome, error_class,
        error_message, error_frame, traceback, traceback_digest
    )
    SELECT organization_id, id, attempt, fence, worker_id,
        clock_timestamp() - %(ran)s::interval, clock_timestamp(), 'released', '', '', '', '', ''
    FROM moved WHERE %(ran)s::interval IS NOT NULL
)
SELECT id FROM moved
