-- give_back: jobs that were claimed and did not start go back to where they were, uncounted.
-- parameters  organization_ids bigint[], job_ids uuid[], fences bigint[] (triples, all must match)
-- result      the jobs that moved: organization_id, id
-- locks       the rows, in id order
-- cost        index job_pkey, O(log n) a job
WITH unstarted AS (
    SELECT j.id FROM jobs_job j
    JOIN unnest(%(organization_ids)s::bigint[], %(job_ids)s::uuid[], %(fences)s::bigint[])
        AS w (organization_id, job_id, fence)
        ON j.organization_id = w.organization_id AND j.id = w.job_id AND j.fence = w.fence
    WHERE j.state = 'running'
    ORDER BY j.id FOR UPDATE OF j
)
UPDATE jobs_job j SET state = 'queued', attempt = attempt - 1, worker_id = '', started_at = NULL
FROM unstarted u WHERE j.id = u.id
RETURNING j.organization_id, j.id
