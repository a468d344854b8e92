-- restore: discarded jobs are dead again, their dead letters open, within a day of the discard.
-- parameters  organization_ids bigint[], job_ids uuid[] (pairs), window interval
-- result      the jobs that moved: organization_id, id
-- locks       the rows, in id order
-- cost        index job_pkey, O(log n) a job
WITH locked AS (
    SELECT j.id FROM jobs_job j
    JOIN unnest(%(organization_ids)s::bigint[], %(job_ids)s::uuid[]) AS w (organization_id, job_id)
        ON j.organization_id = w.organization_id AND j.id = w.job_id
    WHERE j.state = 'cancelled' AND j.reason = 'discarded'
        AND j.finished_at > clock_timestamp() - %(window)s::interval
    ORDER BY j.id FOR UPDATE OF j
),
last_letters AS (
    SELECT DISTINCT ON (d.job_id) d.id, d.job_id, d.reason
    FROM jobs_deadletter d JOIN locked l ON d.job_id = l.id
    WHERE d.state = 'discarded'
    ORDER BY d.job_id, d.id DESC
),
reopened AS (
    UPDATE jobs_deadletter d
    SET state = 'open', handled_at = NULL, handled_by = '', handled_reason = ''
    FROM last_letters t WHERE d.id = t.id
)
UPDATE jobs_job j
SET state = 'dead', finished_at = clock_timestamp(), reason = t.reason
FROM last_letters t WHERE j.id = t.job_id
RETURNING j.organization_id, j.id
