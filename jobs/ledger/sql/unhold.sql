-- unhold: held jobs go on, those of each queue in the order in which they were enqueued.
-- parameters  arrays of one length, one element for each cause and queue: organization_ids bigint,
--             holds text, queue_groups text, most int (how many of it); limit int (in all)
-- result      the jobs that go on: id
-- locks       the rows; SKIP LOCKED, so that two schedulers share the work
-- cost        partial index job_held, O(log n) for each job that goes on
WITH free AS (
    SELECT held.id
    FROM unnest(
        %(organization_ids)s::bigint[], %(holds)s::text[], %(queue_groups)s::text[],
        %(most)s::int[]
    ) AS f (organization_id, hold, queue_group, most)
    CROSS JOIN LATERAL (
        SELECT j.id FROM jobs_job j
        WHERE j.organization_id = f.organization_id AND j.hold = f.hold
            AND j.queue_group = f.queue_group
        ORDER BY j.id LIMIT f.most FOR UPDATE SKIP LOCKED
    ) held
    LIMIT %(limit)s
)
UPDATE jobs_job j SET hold = NULL FROM free f WHERE j.id = f.id
RETURNING j.id
