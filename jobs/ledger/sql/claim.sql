-- claim: give waiting jobs to one worker, each under its next fence.
-- parameters  organization_ids bigint[], job_ids uuid[] (pairs, both must match), worker_id text,
--             lease interval, suspects boolean (whether to claim those whose worker died, too)
-- result      per pair: answer (claimed, finished, held, not_due, suspect, unknown), delay_seconds
--             for not_due and held, and for claimed the job with its new fence
-- locks       the rows, in id order. No SKIP LOCKED: a row skipped would look finished, and its
--             message would be acknowledged without running
-- cost        indexes job_pkey, jobs_worker_pkey, attempt_once_per_fence, O(log n) a job
WITH wanted AS (
    SELECT * FROM unnest(%(organization_ids)s::bigint[], %(job_ids)s::uuid[])
        AS w (organization_id, job_id)
),
locked AS (
    SELECT j.*, j.losses > 0 OR j.state = 'running' AS is_suspect, (
        -- A claim is live while its worker was seen within the lease.
        SELECT v.seen_at + %(lease)s::interval FROM jobs_worker v
        WHERE j.state = 'running' AND v.id = j.worker_id AND v.stopped_at IS NULL
            AND v.seen_at > clock_timestamp() - %(lease)s::interval
    ) AS held_until
    FROM jobs_job j JOIN wanted w ON j.organization_id = w.organization_id AND j.id = w.job_id
    ORDER BY j.id
    FOR UPDATE OF j
),
claimed AS (
    UPDATE jobs_job j
    SET state = 'running',
        fence = j.fence + 1,
        -- A worker that died used up no retry: its attempt is made again, and the loss is counted.
        attempt = j.attempt + (l.state <> 'running')::int,
        losses = j.losses + (l.state = 'running' AND l.started_at IS NOT NULL)::int,
        worker_id = %(worker_id)s,
        published_at = coalesce(j.published_at, clock_timestamp()),
        claimed_at = clock_timestamp(),
        started_at = clock_timestamp()
    FROM locked l
    WHERE j.id = l.id AND (%(suspects)s OR NOT l.is_suspect) AND (
        (l.state IN ('queued', 'retrying') AND l.run_at <= clock_timestamp())
        OR (l.state = 'running' AND l.held_until IS NULL)
    )
    RETURNING j.*, l.fence AS old_fence, l.state AS old_state, l.started_at AS old_started_at
),
lost AS (
    UPDATE jobs_attempt a
    SET ended_at = clock_timestamp(), outcome = 'lost', error_class = 'WorkerLost',
        error_message = 'Its worker died, or was cut off, while it ran this.'
    FROM claimed c
    WHERE c.old_state = 'running' AND a.organization_id = c.organization_id AND a.job_id = c.id
        AND a.fence = c.old_fence AND a.outcome = ''
),
begun AS (
    INSERT INTO jobs_attempt (
        organization_id, job_id, number, fence, worker_id, started_at, outcome, error_class,
        error_message, error_frame, traceback, traceback_digest
    )
    SELECT organization_id, id, attempt, fence, worker_id, started_at, '', '', '', '', '', ''
    FROM claimed
)
SELECT
    w.organization_id, w.job_id,
    CASE
        WHEN l.id IS NULL THEN 'unknown'
        WHEN c.id IS NOT NULL THEN 'claimed'
        -- What is scheduled or on hold is published again when its time comes.
        WHEN l.state IN ('succeeded', 'dead', 'cancelled', 'scheduled') THEN 'finished'
        WHEN l.held_until IS NOT NULL THEN 'held'
        WHEN l.is_suspect AND (l.state = 'running' OR l.run_at <= clock_timestamp()) THEN 'suspect'
        ELSE 'not_due'
    END AS answer,
    -- What is held is free at the latest when its lease is over, not a whole lease from now.
    extract(epoch FROM coalesce(l.held_until, l.run_at) - clock_timestamp())::float AS delay_seconds,
    c.fence, c.attempt, c.max_attempts, c.losses, c.job_type, c.queue_group, c.payload, c.project_id,
    c.entity_type, c.entity_id, c.correlation_id, c.actor_id, c.effect_id, c.effect_state,
    extract(epoch FROM c.started_at - c.run_at)::float AS wait_seconds
FROM wanted w
LEFT JOIN locked l ON l.organization_id = w.organization_id AND l.id = w.job_id
LEFT JOIN claimed c ON c.id = l.id
