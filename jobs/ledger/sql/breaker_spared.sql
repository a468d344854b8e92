-- breaker_spared: the probe ended in a way that tells nothing of the destination; another may try.
-- parameters  organization_id bigint, job_type, destination text, job_id uuid
-- result      none that matters
-- locks       the breaker's row
-- cost        index breaker_once
UPDATE jobs_breaker SET probe_job_id = NULL, probe_until = NULL
WHERE organization_id = %(organization_id)s AND job_type = %(job_type)s
    AND destination = %(destination)s AND probe_job_id = %(job_id)s
RETURNING id
