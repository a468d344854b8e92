-- breaker_succeeded: a job reached its destination; what was held goes on, paced.
-- parameters  organization_id bigint, job_type, destination text, job_id uuid
-- result      closed: whether this closed it; no row when nothing changed
-- locks       the breaker's row
-- cost        index breaker_once
-- While it is open only the probe's success counts: the others began before it opened.
UPDATE jobs_breaker
SET failures = 0, open_until = NULL, probe_job_id = NULL, probe_until = NULL
WHERE organization_id = %(organization_id)s AND job_type = %(job_type)s
    AND destination = %(destination)s
    AND (open_until IS NULL AND failures > 0 OR probe_job_id = %(job_id)s)
RETURNING old.open_until IS NOT NULL AS closed
