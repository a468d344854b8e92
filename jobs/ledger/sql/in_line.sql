-- in_line: a page of the jobs that Redis ought to know: for recovery all of them, for the sweep those
-- that have been due for a while.
-- parameters  after uuid (the last id of the page before), limit int, overdue interval (null: all)
-- result      organization_id, id, job_type, queue_group, delay_seconds, in the order of id
-- locks       none
-- cost        partial index job_in_line, O(log n + limit) a page
SELECT organization_id, id, job_type, queue_group,
    greatest(extract(epoch FROM run_at - clock_timestamp()), 0)::float AS delay_seconds
FROM jobs_job
WHERE state IN ('queued', 'retrying', 'running') AND id > %(after)s::uuid
    AND (
        %(overdue)s::interval IS NULL
        OR greatest(run_at, published_at, claimed_at) < clock_timestamp() - %(overdue)s::interval
    )
ORDER BY id LIMIT %(limit)s
