-- breaker_drain: jobs that closed breakers still hold go on, twice as many at each step.
-- parameters  limit int (breakers), fastest int (jobs of one breaker in one step)
-- result      the jobs that go on: id
-- locks       breakers and jobs; SKIP LOCKED, so that two schedulers share the work
-- cost        the table of breakers, a row for each failing destination, and job_behind_breaker
-- Only those that hold something: the others, however many one organization has, take no turn.
WITH closed AS (
    SELECT id, organization_id, pace FROM jobs_breaker k
    WHERE open_until IS NULL
        AND EXISTS (
            SELECT FROM jobs_job j
            WHERE j.organization_id = k.organization_id AND j.breaker_id = k.id
                AND j.hold = 'breaker'
        )
    ORDER BY stepped_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
),
freed AS (
    SELECT held.id FROM closed c CROSS JOIN LATERAL (
        SELECT j.id FROM jobs_job j
        WHERE j.organization_id = c.organization_id AND j.breaker_id = c.id AND j.hold = 'breaker'
        ORDER BY j.id LIMIT c.pace FOR UPDATE SKIP LOCKED
    ) held
),
stepped AS (
    UPDATE jobs_breaker b SET pace = least(c.pace * 2, %(fastest)s), stepped_at = clock_timestamp()
    FROM closed c WHERE b.id = c.id
)
UPDATE jobs_job j SET hold = NULL, breaker_id = NULL FROM freed f WHERE j.id = f.id
RETURNING j.id
