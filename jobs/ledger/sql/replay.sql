-- replay: dead jobs are due again, with all their attempts; their dead letters are handled.
-- parameters  organization_ids bigint[], job_ids uuid[] (pairs), handled_by text, reason text
-- result      the jobs that moved: organization_id, id, job_type, queue_group
-- locks       the rows, in id order
-- cost        indexes job_pkey and deadletter_open_once_per_job, O(log n) a job
WITH locked AS (
    SELECT j.id FROM jobs_job j
    JOIN unnest(%(organization_ids)s::bigint[], %(job_ids)s::uuid[]) AS w (organization_id, job_id)
        ON j.organization_id = w.organization_id AND j.id = w.job_id
    WHERE j.state = 'dead'
    ORDER BY j.id FOR UPDATE OF j
),
moved AS (
    UPDATE jobs_job j
    SET state = 'queued', finished_at = NULL, reason = '', attempt = 0, losses = 0, worker_id = '',
        run_at = clock_timestamp(), published_at = NULL, started_at = NULL
    FROM locked l WHERE j.id = l.id
    RETURNING j.organization_id, j.id, j.job_type, j.queue_group
),
handled AS (
    UPDATE jobs_deadletter d
    SET state = 'replayed', handled_at = clock_timestamp(), handled_by = %(handled_by)s,
        handled_reason = %(reason)s
    FROM moved m
    WHERE d.organization_id = m.organization_id AND d.job_id = m.id AND d.state = 'open'
)
SELECT * FROM moved
