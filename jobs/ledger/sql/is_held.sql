-- is_held: whether jobs of a queue are held by this cause.
-- parameters  organization_id bigint, queue_group text, hold text
-- result      is_held
-- locks       none
-- cost        partial index job_held, O(log n)
SELECT EXISTS (
    SELECT FROM jobs_job
    WHERE organization_id = %(organization_id)s AND queue_group = %(queue_group)s
        AND hold = %(hold)s
) AS is_held
