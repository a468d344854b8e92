-- asked_to_end: which of the jobs that a worker has somebody wants to end.
-- parameters  job_ids uuid[], worker_id text
-- result      organization_id, id
-- locks       none
-- cost        index job_pkey, O(log n) a job
SELECT j.organization_id, j.id
FROM unnest(%(job_ids)s::uuid[]) AS w (job_id)
CROSS JOIN LATERAL (
    SELECT * FROM jobs_job o WHERE o.id = w.job_id LIMIT 1
) j
WHERE j.worker_id = %(worker_id)s AND j.state = 'running' AND j.cancel_requested_at IS NOT NULL
