-- hold_back: jobs that were just enqueued wait in the ledger, until the relay lets them in.
-- parameters  organization_id bigint, job_ids uuid[], hold text
-- result      none
-- locks       the rows, which nobody else has seen yet
-- cost        index job_pkey, O(log n) a job
UPDATE jobs_job SET state = 'scheduled', hold = %(hold)s
WHERE organization_id = %(organization_id)s AND id = ANY (%(job_ids)s::uuid[]) AND state = 'queued'
RETURNING id
