-- start: a claimed job begins to run, under its own fence.
-- parameters  organization_id bigint, job_id uuid, fence bigint
-- result      wait_seconds (from when it was due), is_cancelled (whether its end was asked for);
--             raises JB001 when the fence is no longer its own
-- locks       the row
-- cost        indexes job_pkey, attempt_once_per_fence
WITH started AS (
    UPDATE jobs_job SET started_at = coalesce(started_at, clock_timestamp())
    WHERE organization_id = %(organization_id)s AND id = %(job_id)s
        AND state = 'running' AND fence = %(fence)s
    RETURNING organization_id, id, attempt, fence, worker_id, started_at, run_at,
        cancel_requested_at
),
begun AS (
    INSERT INTO jobs_attempt (
        organization_id, job_id, number, fence, worker_id, started_at, outcome, error_class,
        error_message, error_frame, traceback, traceback_digest
    )
    SELECT organization_id, id, attempt, fence, worker_id, started_at, '', '', '', '', '', ''
    FROM started
    ON CONFLICT (organization_id, job_id, fence) DO NOTHING  -- its answer was lost, and it asks again
)
SELECT jobs_held(count(*)) AS held,
    max(extract(epoch FROM started_at - run_at))::float AS wait_seconds,
    coalesce(bool_or(cancel_requested_at IS NOT NULL), false) AS is_cancelled
FROM started
