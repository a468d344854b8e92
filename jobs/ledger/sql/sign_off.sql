-- sign_off: this worker ends; what it still claims is free at once.
-- parameters  id text
-- result      none that matters
-- locks       its row
-- cost        index jobs_worker_pkey
UPDATE jobs_worker SET stopped_at = clock_timestamp() WHERE id = %(id)s RETURNING id
