-- mend_letters: dead jobs that have no open dead letter get one.
-- parameters  organization_ids bigint[], job_ids uuid[] (pairs), fingerprint text
-- result      the dead letters' ids
-- locks       none
-- cost        index job_pkey, O(log n) a job
INSERT INTO jobs_deadletter (
    organization_id, job_id, job_type, queue_group, reason, error_class, error_message, error_frame,
    attempt, worker_id, first_failed_at, last_failed_at, fingerprint, state, handled_by,
    handled_reason
)
SELECT
    j.organization_id, j.id, j.job_type, j.queue_group, j.reason, j.error_class, j.error_message, '',
    j.attempt, j.worker_id, j.finished_at, j.finished_at, %(fingerprint)s, 'open', '', ''
FROM jobs_job j
JOIN unnest(%(organization_ids)s::bigint[], %(job_ids)s::uuid[]) AS w (organization_id, job_id)
    ON j.organization_id = w.organization_id AND j.id = w.job_id
WHERE j.state = 'dead'
ON CONFLICT DO NOTHING
RETURNING id
