-- beat: this worker lives; the claims of all its jobs stay live with it.
-- parameters  id, host, version (text), pid int, queue_groups text (JSON)
-- result      none that matters
-- locks       its row
-- cost        index jobs_worker_pkey
INSERT INTO jobs_worker (id, host, pid, queue_groups, version, started_at, seen_at)
VALUES (
    %(id)s, %(host)s, %(pid)s, %(queue_groups)s::jsonb, %(version)s,
    clock_timestamp(), clock_timestamp()
)
ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp(), stopped_at = NULL
RETURNING id
