-- beat: this worker lives; the claims of all its jobs stay live with it.
-- parameters  id, host, version (text), pid int, queue_groups text (JSON), begun uuid[] (its jobs
--             whose actors run), ran interval[] (each for how long)
-- result      those of them whose start was noted: organization_id, id
-- locks       its row, and those of its jobs that began since the last beat; what is locked is left for
--             the next one, so that nobody can hold up this worker's life
-- cost        indexes jobs_worker_pkey, job_pkey, O(log n) a job
WITH seen AS (
    INSERT INTO jobs_worker (id, host, pid, queue_groups, version, started_at, seen_at)
    VALUES (
        %(id)s, %(host)s, %(pid)s, %(queue_groups)s::jsonb, %(version)s,
        clock_timestamp(), clock_timestamp()
    )
    ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp(), stopped_at = NULL
),
mine AS MATERIALIZED (
    SELECT j.id, w.ran
    FROM unnest(%(begun)s::uuid[], %(ran)s::interval[]) AS w (job_id, ran)
    CROSS JOIN LATERAL (
        SELECT o.id FROM jobs_job o
        WHERE o.id = w.job_id AND o.worker_id = %(id)s AND o.state = 'running'
            AND o.started_at IS NULL
        LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
    ) j
)
UPDATE jobs_job j
-- Of two claims of one job the later is the one that holds: a worker may run both for a while.
SET started_at = clock_timestamp() - (SELECT min(m.ran) FROM mine m WHERE m.id = j.id)
WHERE j.id = ANY (ARRAY(SELECT id FROM mine))
RETURNING j.organization_id, j.id
