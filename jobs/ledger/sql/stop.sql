-- stop: a running job ends because somebody asked for it.
-- parameters  organization_id bigint, job_id uuid, fence bigint, ran interval (since it started),
--             how text (one sentence)
-- result      the job's id and effect_state, or no row when the fence is no longer its own
-- locks       the row
-- cost        index job_pkey, and the entries of one attempt
WITH stopped AS (
    UPDATE jobs_job
    SET state = 'cancelled', finished_at = clock_timestamp(), reason = 'cancelled', losses = 0,
        started_at = clock_timestamp() - %(ran)s::interval,
        error_class = 'Cancelled',
        -- The effect stays `begun`: nobody knows whether it happened.
        error_message = %(how)s || CASE effect_state
            WHEN 'begun' THEN ' Its effect had begun, and may have happened.' ELSE '' END
    WHERE organization_id = %(organization_id)s AND id = %(job_id)s
        AND state = 'running' AND fence = %(fence)s
    RETURNING organization_id, id, attempt, fence, worker_id, started_at, effect_state, error_message
),
ended AS (
    INSERT INTO jobs_attempt (
        organization_id, job_id, number, fence, worker_id, started_at, ended_at, outcome, error_class,
        error_message, error_frame, traceback, traceback_digest
    )
    SELECT organization_id, id, attempt, fence, worker_id, started_at, clock_timestamp(), 'cancelled',
        'Cancelled', error_message, '', '', ''
    FROM stopped
)
SELECT id, effect_state FROM stopped
