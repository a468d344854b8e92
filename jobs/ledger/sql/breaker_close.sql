-- breaker_close: a person, or the family, says that the destination may be tried again.
-- parameters  organization_id bigint, job_type, destination text
-- result      the breaker's id; no row where none was open
-- locks       the breaker's row
-- cost        index breaker_once
UPDATE jobs_breaker
SET failures = 0, openings = 0, open_until = NULL, probe_job_id = NULL, probe_until = NULL
WHERE organization_id = %(organization_id)s AND job_type = %(job_type)s
    AND destination = %(destination)s AND open_until IS NOT NULL
RETURNING id
