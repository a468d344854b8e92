-- settle: a running job has succeeded, under its own fence.
-- parameters  organization_id bigint, job_id uuid, fence bigint, ran interval (since it started)
-- result      nothing; raises JB001 when the fence is no longer its own, inside the database, so that
--             a COMMIT that was sent along does not happen
-- locks       the row
-- cost        index job_pkey, and the entries of one attempt
WITH settled AS (
    UPDATE jobs_job
    SET state = 'succeeded', finished_at = clock_timestamp(), error_class = '', error_message = '',
        started_at = clock_timestamp() - %(ran)s::interval,
        losses = 0,  -- it ended an attempt alive: it is no suspect any more
        effect_state = CASE effect_state WHEN 'begun' THEN 'confirmed' ELSE effect_state END
    WHERE organization_id = %(organization_id)s AND id = %(job_id)s
        AND state = 'running' AND fence = %(fence)s
    RETURNING organization_id, id, attempt, fence, worker_id, started_at, finished_at
),
ended AS (
    INSERT INTO jobs_attempt (
        organization_id, job_id, number, fence, worker_id, started_at, ended_at, outcome, error_class,
        error_message, error_frame, traceback, traceback_digest
    )
    SELECT organization_id, id, attempt, fence, worker_id, started_at, finished_at, 'succeeded',
        '', '', '', '', ''
    FROM settled
)
SELECT jobs_held(count(*)) FROM settled
