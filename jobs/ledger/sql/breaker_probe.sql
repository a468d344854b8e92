-- breaker_probe: where the time of an open breaker is over, its oldest held job tries.
-- parameters  limit int, patience interval (how long the probe may take until another one tries)
-- result      the jobs that try: id
-- locks       breakers and jobs; SKIP LOCKED, so that two schedulers share the work
-- cost        the table of breakers, a row for each failing destination, and job_behind_breaker
-- Only those that hold something: the others, however many one organization has, take no turn.
WITH due AS (
    SELECT id, organization_id FROM jobs_breaker k
    WHERE open_until <= clock_timestamp()
        AND (probe_job_id IS NULL OR probe_until <= clock_timestamp())
        AND EXISTS (
            SELECT FROM jobs_job j
            WHERE j.organization_id = k.organization_id AND j.breaker_id = k.id
                AND j.hold = 'breaker'
        )
    ORDER BY stepped_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
),
first AS (
    SELECT d.id AS breaker_id, held.id FROM due d CROSS JOIN LATERAL (
        SELECT j.id FROM jobs_job j
        WHERE j.organization_id = d.organization_id AND j.breaker_id = d.id AND j.hold = 'breaker'
        ORDER BY j.id LIMIT 1 FOR UPDATE SKIP LOCKED
    ) held
),
marked AS (
    UPDATE jobs_breaker b
    SET probe_job_id = f.id, probe_until = clock_timestamp() + %(patience)s::interval,
        stepped_at = clock_timestamp()
    FROM first f WHERE b.id = f.breaker_id
)
UPDATE jobs_job j SET hold = NULL, breaker_id = NULL FROM first f WHERE j.id = f.id
RETURNING j.id
