-- lock: the jobs that `claim`, the next statement of the same transaction, is about to judge.
-- parameters  organization_ids bigint[], job_ids uuid[] (pairs, both must match)
-- result      none that matters
-- locks       the rows, in id order. No SKIP LOCKED: a row skipped would look finished, and its
--             message would be acknowledged without running
-- cost        index job_pkey, O(log n) a job
--
-- A statement of its own, because whoever waits for a lock goes on with the snapshot of before: it
-- would see the job claimed by a worker whose row it cannot see yet, and take it from the living.
--
-- One look-up for each: a plain join, planned while the table is small and kept, may read all jobs of
-- their organizations.
SELECT 1
FROM (
    SELECT * FROM unnest(%(organization_ids)s::bigint[], %(job_ids)s::uuid[])
        AS w (organization_id, job_id)
    ORDER BY job_id
) w
CROSS JOIN LATERAL (
    SELECT FROM jobs_job j
    WHERE j.organization_id = w.organization_id AND j.id = w.job_id
    LIMIT 1 FOR UPDATE
) one
