-- start_many: claimed jobs begin to run, each under its own fence.
-- parameters  organization_ids bigint[], job_ids uuid[], fences bigint[] (triples, all must match)
-- result      those that began: organization_id, id, fence, wait_seconds, is_cancelled, as `start`
--             says. The others have lost their fence, or somebody has locked them: `start` tells which
-- locks       the rows, without waiting: nobody waits here for what only concerns another's job
-- cost        indexes job_pkey, attempt_once_per_fence, O(log n) a job
WITH free AS (
    SELECT j.id
    FROM unnest(%(organization_ids)s::bigint[], %(job_ids)s::uuid[], %(fences)s::bigint[])
        AS w (organization_id, job_id, fence)
    CROSS JOIN LATERAL (  -- one look-up for each, as in `lock`
        SELECT o.id FROM jobs_job o
        WHERE o.organization_id = w.organization_id AND o.id = w.job_id AND o.fence = w.fence
            AND o.state = 'running'
        LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
    ) j
),
started AS (
    UPDATE jobs_job j SET started_at = coalesce(j.started_at, clock_timestamp())
    WHERE j.id = ANY (ARRAY(SELECT id FROM free))
    RETURNING j.organization_id, j.id, j.attempt, j.fence, j.worker_id, j.started_at, j.run_at,
        j.cancel_requested_at
),
begun AS (
    INSERT INTO jobs_attempt (
        organization_id, job_id, number, fence, worker_id, started_at, outcome, error_class,
        error_message, error_frame, traceback, traceback_digest
    )
    SELECT organization_id, id, attempt, fence, worker_id, started_at, '', '', '', '', '', ''
    FROM started
    ON CONFLICT (organization_id, job_id, fence) DO NOTHING  -- its answer was lost, and it asks again
)
SELECT organization_id, id, fence, extract(epoch FROM started_at - run_at)::float AS wait_seconds,
    cancel_requested_at IS NOT NULL AS is_cancelled
FROM started
