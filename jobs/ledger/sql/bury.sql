-- bury: a running job is dead; its dead letter says why.
-- parameters  organization_id bigint, job_id uuid, fence bigint, ran interval (since it started),
--             reason, error_class, error_message, error_frame, traceback, traceback_digest,
--             fingerprint (text)
-- result      the dead letter's id, or no row when the fence is no longer the job's own
-- locks       the row
-- cost        indexes job_pkey, attempt_once_per_fence, and the entries of an attempt and a letter
WITH moved AS (
    UPDATE jobs_job
    SET state = 'dead', finished_at = clock_timestamp(),
        started_at = clock_timestamp() - %(ran)s::interval, reason = %(reason)s,
        cancel_requested_at = NULL,  -- a replay begins anew
        error_class = %(error_class)s, error_message = %(error_message)s
    WHERE organization_id = %(organization_id)s AND id = %(job_id)s
        AND state = 'running' AND fence = %(fence)s
    RETURNING *
),
ended AS (
    INSERT INTO jobs_attempt (
        organization_id, job_id, number, fence, worker_id, started_at, ended_at, outcome, error_class,
        error_message, error_frame, traceback, traceback_digest
    )
    SELECT organization_id, id, attempt, fence, worker_id, started_at, clock_timestamp(), 'failed',
        %(error_class)s, %(error_message)s, %(error_frame)s, %(traceback)s,
        %(traceback_digest)s
    FROM moved
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
