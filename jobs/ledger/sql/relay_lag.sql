-- relay_lag: for how long the oldest job that ought to be in Redis is not: due and still scheduled, or
-- queued and never published.
-- parameters  none
-- result      seconds, 0 when there is none
-- locks       none
-- cost        the first row of partial index job_due, the first thousand of job_unpublished: a job that
--             was replayed is older there than its claim on the relay
SELECT coalesce(greatest(0, extract(epoch FROM clock_timestamp() - least(
    (SELECT min(run_at) FROM jobs_job WHERE state = 'scheduled' AND hold IS NULL),
    (
        SELECT min(greatest(created_at, run_at)) FROM (
            SELECT created_at, run_at FROM jobs_job
            WHERE state = 'queued' AND published_at IS NULL ORDER BY created_at LIMIT 1000
        ) unpublished
    )
))), 0)::float AS seconds
