-- confirm: Redis has the messages of these jobs.
-- parameters  job_ids uuid[]
-- result      none that matters
-- locks       the rows
-- cost        index job_pkey, O(log n) a job
UPDATE jobs_job SET published_at = clock_timestamp()
WHERE id = ANY (%(job_ids)s::uuid[]) AND state = 'queued' AND published_at IS NULL
RETURNING id
