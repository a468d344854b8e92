-- settle_many: running jobs have succeeded, each under its own fence.
-- parameters  arrays of one length: organization_ids bigint, job_ids uuid, fences bigint (all must
--             match), ran float8 (seconds since it started)
-- result      organization_id, id, fence and is_settled of those that moved (true), and of those that
--             somebody has locked (false); the others have lost their fence
-- locks       the rows, without waiting: nobody waits here for what only concerns another's job
-- cost        index job_pkey, O(log n) a job (twice for what is locked), and the entries of its attempt
WITH wanted AS (
    SELECT * FROM unnest(
        %(organization_ids)s::bigint[], %(job_ids)s::uuid[], %(fences)s::bigint[],
        %(ran)s::float8[]
    ) AS w (organization_id, job_id, fence, ran)
),
free AS MATERIALIZED (
    SELECT j.id, w.ran
    FROM wanted w
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
        started_at = clock_timestamp() - interval '1 second' * (SELECT f.ran FROM free f WHERE f.id = j.id),
        losses = 0,  -- they ended an attempt alive: they are no suspects any more
        effect_state = CASE effect_state WHEN 'begun' THEN 'confirmed' ELSE effect_state END
    WHERE j.id = ANY (ARRAY(SELECT id FROM free))
    RETURNING j.organization_id, j.id, j.attempt, j.fence, j.worker_id, j.started_at, j.finished_at
),
ended AS (
    INSERT INTO jobs_attempt (
        organization_id, job_id, number, fence, worker_id, started_at, ended_at, outcome, error_class,
        error_message, error_frame, traceback, traceback_digest
    )
    SELECT organization_id, id, attempt, fence, worker_id, started_at, finished_at, 'succeeded',
        '', '', '', '', ''
    FROM settled
)
SELECT organization_id, id, fence, true AS is_settled FROM settled
UNION ALL
SELECT w.organization_id, w.job_id, w.fence, false
FROM wanted w
CROSS JOIN LATERAL (
    SELECT FROM jobs_job o
    WHERE o.organization_id = w.organization_id AND o.id = w.job_id AND o.fence = w.fence
        AND o.state = 'running'
    LIMIT 1
) locked
WHERE w.job_id NOT IN (SELECT id FROM free)
