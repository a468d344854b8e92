-- stop: a running job ends because somebody asked for it.
-- parameters  organization_id bigint, job_id uuid, fence bigint, how text (one sentence)
-- result      the job's id and effect_state, or no row when the fence is no longer its own
-- locks       the row
-- cost        indexes job_pkey, attempt_once_per_fence
WITH stopped AS (
    UPDATE jobs_job
    SET state = 'cancelled', finished_at = clock_timestamp(), reason = 'cancelled', losses = 0,
        error_class = 'Cancelled',
        -- The effect stays `begun`: nobody knows whether it happened.
        error_message = %(how)s || CASE effect_state
            WHEN 'begun' THEN ' Its effect had begun, and may have happened.' ELSE '' END
    WHERE organization_id = %(organization_id)s AND id = %(job_id)s
        AND state = 'running' AND fence = %(fence)s
    RETURNING organization_id, id, fence, effect_state, error_message
),
closed AS (
    UPDATE jobs_attempt a
    SET ended_at = clock_timestamp(), outcome = 'cancelled', error_class = 'Cancelled',
        error_message = s.error_message
    FROM stopped s
    WHERE a.organization_id = %(organization_id)s AND a.job_id = %(job_id)s
        AND a.fence = %(fence)s
)
SELECT id, effect_state FROM stopped
