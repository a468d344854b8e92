-- claim: give waiting jobs to one worker, each under its next fence. They start later: `start`.
-- parameters  organization_ids bigint[], job_ids uuid[] (pairs, both must match), worker_id text,
--             lease interval, suspects boolean (whether to claim those whose worker died, too)
-- result      per pair: answer (claimed, finished, held, not_due, suspect, unknown), delay_seconds
--             for not_due and held, and for claimed the job with its new fence
-- locks       none: `lock` has them, in the statement before
-- cost        indexes job_pkey, jobs_worker_pkey, attempt_once_per_fence, O(log n) a job
WITH wanted AS (
    SELECT * FROM unnest(%(organization_ids)s::bigint[], %(job_ids)s::uuid[])
        AS w (organization_id, job_id)
),
found AS (
    SELECT j.id, j.organization_id, j.state, j.run_at, j.fence, j.started_at,
        -- Only what had started can have killed its worker; its neighbours had been claimed with it.
        j.losses > 0 OR (j.state = 'running' AND j.started_at IS NOT NULL) AS is_suspect, (
        -- A claim is live while its worker was seen within the lease.
        SELECT v.seen_at + %(lease)s::interval FROM jobs_worker v
        WHERE j.state = 'running' AND v.id = j.worker_id AND v.stopped_at IS NULL
            AND v.seen_at > clock_timestamp() - %(lease)s::interval
            -- What this worker claimed, did not start and is sent again, it knows nothing of: the
            -- answer to that claim was lost.
            AND (v.id <> %(worker_id)s OR j.started_at IS NOT NULL)
    ) AS held_until
    FROM wanted w
    CROSS JOIN LATERAL (  -- one look-up for each, as in `lock`
        SELECT * FROM jobs_job j
        WHERE j.organization_id = w.organization_id AND j.id = w.job_id
        LIMIT 1
    ) j
),
claimed AS (
    UPDATE jobs_job j
    SET state = 'running',
        fence = j.fence + 1,
        -- A worker that died used up no retry: its attempt is made again, and the loss is counted.
        attempt = j.attempt + (j.state <> 'running')::int,
        losses = j.losses + (j.state = 'running' AND j.started_at IS NOT NULL)::int,
        worker_id = %(worker_id)s,
        published_at = coalesce(j.published_at, clock_timestamp()),
        claimed_at = clock_timestamp(),
        started_at = NULL
    WHERE j.id = ANY (ARRAY(
        SELECT f.id FROM found f
        WHERE (%(suspects)s OR NOT f.is_suspect) AND (
            (f.state IN ('queued', 'retrying') AND f.run_at <= clock_timestamp())
            OR (f.state = 'running' AND f.held_until IS NULL)
        )
    ))
    RETURNING new.*, old.fence AS old_fence, old.state AS old_state
),
lost AS (
    UPDATE jobs_attempt a
    SET ended_at = clock_timestamp(), outcome = 'lost', error_class = 'WorkerLost',
        error_message = 'Its worker died, or was cut off, while it ran this.'
    FROM claimed c
    WHERE c.old_state = 'running' AND a.organization_id = c.organization_id AND a.job_id = c.id
        AND a.fence = c.old_fence AND a.outcome = ''
)
SELECT
    w.organization_id, w.job_id,
    CASE
        WHEN f.id IS NULL THEN 'unknown'
        WHEN c.id IS NOT NULL THEN 'claimed'
        -- What is scheduled or on hold is published again when its time comes.
        WHEN f.state IN ('succeeded', 'dead', 'cancelled', 'scheduled') THEN 'finished'
        WHEN f.held_until IS NOT NULL THEN 'held'
        WHEN f.is_suspect THEN 'suspect'  -- none backs off: who is retried ended alive
        ELSE 'not_due'
    END AS answer,
    -- What is held is free at the latest when its lease is over, not a whole lease from now.
    extract(epoch FROM coalesce(f.held_until, f.run_at) - clock_timestamp())::float AS delay_seconds,
    c.fence, c.attempt, c.max_attempts, c.losses, c.job_type, c.queue_group, c.payload, c.project_id,
    c.entity_type, c.entity_id, c.correlation_id, c.actor_id, c.effect_id, c.effect_state
FROM wanted w
LEFT JOIN found f ON f.organization_id = w.organization_id AND f.id = w.job_id
LEFT JOIN claimed c ON c.id = f.id
