-- bury: a running job is dead; its dead letter says why.
-- parameters  organization_id bigint, job_id uuid, fence bigint, reason, error_class, error_message,
--             error_frame, traceback, traceback_digest, fingerprint (text)
-- result      the dead letter's id, or no row when the fence is no longer the job's own
-- locks       the row
-- cost        indexes job_pkey, attempt_once_per_fence
WITH moved AS (
    UPDATE jobs_job
    SET state = 'dead', finished_at = clock_timestamp(), reason = %(reason)s,
        cancel_requested_at = NULL,  -- a replay begins anew
        error_class = %(error_class)s, error_message = %(error_message)s
    WHERE organization_id = %(organization_id)s AND id = %(job_id)s
        AND state = 'running' AND fence = %(fence)s
    RETURNING *
),
closed AS (
    UPDATE jobs_attempt a
    SET ended_at = clock_timestamp(), outcome = 'failed', error_class = %(error_class)s,
        error_message = %(error_message)s, error_frame = %(error_frame)s,
        traceback = %(traceback)s, traceback_digest = %(traceback_digest)s
    FROM moved m
    WHERE a.organization_id = %(organization_id)s AND a.job_id = %(job_id)s
        AND a.fence = %(fence)s
)
INSERT INTO jobs_deadletter (
    organization_id, job_id, job_type, queue_group, reason, error_class, error_message, error_frame,
    attempt, worker_id, first_failed_at, last_failed_at, fingerprint, state, handled_by,
    handled_reason
)
SELECT
    m.organization_id, m.id, m.job_type, m.queue_group, m.reason, m.error_class, m.error_message,
    %(error_frame)s, m.attempt, m.worker_id,
    coalesce(
        (SELECT min(a.ended_at) FROM jobs_attempt a
         WHERE a.organization_id = m.organization_id AND a.job_id = m.id
            AND a.outcome IN ('failed', 'lost')),
        m.finished_at
    ),
    m.finished_at, %(fingerprint)s, 'open', '', ''
FROM moved m
RETURNING id
