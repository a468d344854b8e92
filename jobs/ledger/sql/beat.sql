-- beat: this worker lives; the claims of all its jobs stay live with it.
-- parameters  id, host, version (text), pid int, queue_groups text (JSON), job_ids uuid[] (what it has)
-- result      those of its jobs whose end was asked for: organization_id, id
-- locks       its row
-- cost        indexes jobs_worker_pkey, job_pkey, O(log n) a job
WITH seen AS (
    INSERT INTO jobs_worker (id, host, pid, queue_groups, version, started_at, seen_at)
    VALUES (
        %(id)s, %(host)s, %(pid)s, %(queue_groups)s::jsonb, %(version)s,
        clock_timestamp(), clock_timestamp()
    )
    ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp(), stopped_at = NULL
)
SELECT organization_id, id FROM jobs_job
WHERE id = ANY (%(job_ids)s::uuid[]) AND worker_id = %(id)s AND state = 'running'
    AND cancel_requested_at IS NOT NULL
