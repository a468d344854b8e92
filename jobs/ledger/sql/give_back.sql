-- give_back: jobs that one worker claimed and did not start go back to where they were, uncounted.
-- parameters  organization_ids bigint[], job_ids uuid[] (pairs), worker_id text
-- result      the jobs that moved: organization_id, id
-- locks       the rows, in id order
-- cost        index job_pkey, O(log n) a job
WITH unstarted AS (
    SELECT j.id FROM jobs_job j
    JOIN unnest(%(organization_ids)s::bigint[], %(job_ids)s::uuid[]) AS w (organization_id, job_id)
        ON j.organization_id = w.organization_id AND j.id = w.job_id
    WHERE j.state = 'running' AND j.worker_id = %(worker_id)s AND j.started_at IS NULL
    ORDER BY j.id FOR UPDATE OF j
)
UPDATE jobs_job j SET state = 'queued', attempt = attempt - 1, worker_id = ''
FROM unstarted u WHERE j.id = u.id
RETURNING j.organization_id, j.id
