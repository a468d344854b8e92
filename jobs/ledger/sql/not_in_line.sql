-- not_in_line: which of these messages stand in Redis for no job that waits or runs there.
-- parameters  organization_ids bigint[], job_ids uuid[] (pairs), queue_group text
-- result      organization_id, id of those whose job is absent in this organization and group, finished
--             or scheduled
-- locks       none
-- cost        index job_pkey, O(log n) a job
SELECT w.organization_id, w.id
FROM unnest(%(organization_ids)s::bigint[], %(job_ids)s::uuid[]) AS w (organization_id, id)
WHERE NOT EXISTS (
    SELECT FROM jobs_job j
    WHERE j.id = w.id AND j.organization_id = w.organization_id
        AND j.queue_group = %(queue_group)s AND j.state IN ('queued', 'retrying', 'running')
)
