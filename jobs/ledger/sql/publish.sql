-- publish: scheduled jobs whose time has come, and queued ones that Redis was never told of.
-- parameters  limit int, patience interval (how long a transaction may take to publish by itself)
-- result      what to put into Redis: organization_id, id, job_type, queue_group
-- locks       the rows that it returns, until the caller has put them into Redis and confirmed;
--             SKIP LOCKED, so that two relays share the work
-- cost        partial indexes job_due and job_unpublished
WITH due AS (
    SELECT id FROM jobs_job
    WHERE state = 'scheduled' AND hold IS NULL AND run_at <= clock_timestamp()
    ORDER BY run_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
),
moved AS (
    UPDATE jobs_job j SET state = 'queued' FROM due d WHERE j.id = d.id
    RETURNING j.organization_id, j.id, j.job_type, j.queue_group
),
unpublished AS (
    SELECT organization_id, id, job_type, queue_group FROM jobs_job
    WHERE state = 'queued' AND published_at IS NULL
        AND greatest(created_at, run_at) < clock_timestamp() - %(patience)s::interval
    ORDER BY created_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
SELECT * FROM moved UNION ALL SELECT * FROM unpublished
