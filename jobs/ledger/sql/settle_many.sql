-- settle_many: running jobs have succeeded, each under its own fence.
-- parameters  organization_ids bigint[], job_ids uuid[], fences bigint[] (triples, all must match)
-- result      those that moved: organization_id, id, fence. The others have lost their fence, or somebody
--             has locked them: `settle` tells which
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
settled AS (
    UPDATE jobs_job j
    SET state = 'succeeded', finished_at = clock_timestamp(), error_class = '', error_message = '',
        losses = 0,  -- they ended an attempt alive: they are no suspects any more
        effect_state = CASE effect_state WHEN 'begun' THEN 'confirmed' ELSE effect_state END
    WHERE j.id = ANY (ARRAY(SELECT id FROM free))
    RETURNING j.organization_id, j.id, j.fence
),
closed AS (
    UPDATE jobs_attempt a SET ended_at = clock_timestamp(), outcome = 'succeeded'
    FROM settled s
    WHERE a.organization_id = s.organization_id AND a.job_id = s.id AND a.fence = s.fence
)
SELECT organization_id, id, fence FROM settled
