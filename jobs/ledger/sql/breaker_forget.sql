-- breaker_forget: breakers that are closed and whole, or that nobody asked for long, go.
-- parameters  limit int, quiet interval
-- result      the breakers that went: id
-- locks       their rows; SKIP LOCKED: one that a worker looks at stays
-- cost        the table of breakers, a row for each failing destination, and job_behind_breaker
DELETE FROM jobs_breaker b USING (
    SELECT id FROM jobs_breaker k
    WHERE (
            open_until IS NULL AND failures = 0
            OR greatest(failed_at, open_until) < clock_timestamp() - %(quiet)s::interval
        )
        AND NOT EXISTS (
            SELECT FROM jobs_job j
            WHERE j.organization_id = k.organization_id AND j.breaker_id = k.id
                AND j.hold = 'breaker'
        )
    LIMIT %(limit)s FOR UPDATE SKIP LOCKED
) gone
WHERE b.id = gone.id
RETURNING b.id
