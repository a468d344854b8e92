-- breaker_failed: a job found its destination out of order.
-- parameters  organization_id bigint, job_type, destination text, job_id uuid, threshold int,
--             open_for, longest interval
-- result      failures, openings, open_until; opened: whether it opened now
-- locks       the breaker's row
-- cost        index breaker_once
-- While it is open only the probe's failure counts: the others began before it opened.
INSERT INTO jobs_breaker AS b (
    organization_id, job_type, destination, failures, openings, open_until, pace
)
VALUES (
    %(organization_id)s, %(job_type)s, %(destination)s, 1, (%(threshold)s <= 1)::int,
    CASE WHEN %(threshold)s <= 1 THEN clock_timestamp() + %(open_for)s::interval END, 1
)
ON CONFLICT (organization_id, job_type, destination) DO UPDATE
SET failures = b.failures + 1,
    pace = 1,  -- and so it is when it closes
    failed_at = clock_timestamp(),
    probe_job_id = NULL,
    probe_until = NULL,
    openings = b.openings
        + (b.open_until IS NOT NULL OR b.failures + 1 >= %(threshold)s)::int,
    open_until = CASE WHEN b.open_until IS NOT NULL OR b.failures + 1 >= %(threshold)s
        THEN clock_timestamp() + least(
            %(longest)s::interval, %(open_for)s::interval * power(2, least(b.openings, 30))
        )
    END
WHERE b.open_until IS NULL OR b.probe_job_id = %(job_id)s
RETURNING b.failures, b.openings, b.open_until, b.open_until IS NOT NULL AS opened
