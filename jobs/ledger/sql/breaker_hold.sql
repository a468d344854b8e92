-- breaker_hold: note which breaker a job waits for that was just held.
-- parameters  organization_id bigint, job_id uuid, breaker_id bigint
-- result      the job's id
-- locks       the row
-- cost        index job_pkey
UPDATE jobs_job SET breaker_id = %(breaker_id)s
WHERE organization_id = %(organization_id)s AND id = %(job_id)s AND hold = 'breaker'
RETURNING id
