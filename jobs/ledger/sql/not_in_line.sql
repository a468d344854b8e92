-- not_in_line: which of these messages stand in Redis for no job that waits or runs there.
-- parameters  organization_id bigint, queue_group text, job_ids uuid[]
-- result      job_ids that are absent in this organization and group, finished or scheduled
-- locks       none
-- cost        index job_pkey, O(log n) a job
SELECT w.id FROM unnest(%(job_ids)s::uuid[]) AS w (id)
WHERE NOT EXISTS (
    SELECT FROM jobs_job j
    WHERE j.id = w.id AND j.organization_id = %(organization_id)s
        AND j.queue_group = %(queue_group)s AND j.state IN ('queued', 'retrying', 'running')
)
