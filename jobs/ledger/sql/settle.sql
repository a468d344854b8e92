-- settle: a running job has succeeded, under its own fence.
-- parameters  organization_id bigint, job_id uuid, fence bigint
-- result      nothing; raises JB001 when the fence is no longer its own, inside the database, so that
--             a COMMIT that was sent along does not happen
-- locks       the row
-- cost        indexes job_pkey, attempt_once_per_fence
WITH settled AS (
    UPDATE jobs_job
    SET state = 'succeeded', finished_at = clock_timestamp(), error_class = '', error_message = '',
        losses = 0,  -- it ended an attempt alive: it is no suspect any more
        effect_state = CASE effect_state WHEN 'begun' THEN 'confirmed' ELSE effect_state END
    WHERE organization_id = %(organization_id)s AND id = %(job_id)s
        AND state = 'running' AND fence = %(fence)s
    RETURNING organization_id, id, fence
),
closed AS (
    UPDATE jobs_attempt a SET ended_at = clock_timestamp(), outcome = 'succeeded'
    FROM settled s
    WHERE a.organization_id = %(organization_id)s AND a.job_id = %(job_id)s
        AND a.fence = %(fence)s
)
SELECT jobs_held(count(*)) FROM settled
