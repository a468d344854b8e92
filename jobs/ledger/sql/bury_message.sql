-- bury_message: a dead letter for a message that names no job of its organization.
-- parameters  organization_id bigint (or null; one that does not exist becomes null), job_type,
--             queue_group, reason, error_class, error_message, error_frame, worker_id, fingerprint
--             (text), raw bytea
-- result      the dead letter's id
-- locks       none
-- cost        one insert
INSERT INTO jobs_deadletter (
    organization_id, job_type, queue_group, reason, error_class, error_message, error_frame, attempt,
    worker_id, first_failed_at, last_failed_at, raw, fingerprint, state, handled_by, handled_reason
)
VALUES (
    (SELECT id FROM tenancy_organization WHERE id = %(organization_id)s), %(job_type)s,
    %(queue_group)s, %(reason)s, %(error_class)s, %(error_message)s, %(error_frame)s, 0,
    %(worker_id)s, clock_timestamp(), clock_timestamp(), %(raw)s, %(fingerprint)s, 'open', '', ''
)
RETURNING id
