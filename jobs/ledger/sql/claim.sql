-- claim: give waiting jobs to one worker, each under its next fence.
-- parameters  organization_ids bigint[], job_ids uuid[] (pairs, both must match), worker_id text,
--             lease interval, in_hand uuid[] (those of them that this worker runs or is about to),
--             suspects boolean (whether to claim those whose worker died, too: they start at once)
-- result      per pair: answer (claimed, finished, held, not_due, suspect, unknown), delay_seconds
--             for not_due and held, and for claimed the job with its new fence
-- locks       none: `lock` has them, in the statement before
-- cost        indexes job_pkey, jobs_worker_pkey, O(log n) a job
WITH wanted AS (
    SELECT * FROM unnest(%(organization_ids)s::bigint[], %(job_ids)s::uuid[])
        AS w (organization_id, job_id)
),
found AS (
    SELECT j.id, j.organization_id, j.state, j.run_at, j.fence,
        -- Which of a dead worker's jobs it died of, nobody knows.
        j.losses > 0 OR (j.state = 'running' AND j.worker_id <> %(worker_id)s) AS is_suspect, (
        -- A claim is live while its worker was seen within the lease.
        SELECT v.seen_at + %(lease)s::interval FROM jobs_worker v
        WHERE j.state = 'running' AND v.id = j.worker_id AND v.stopped_at IS NULL
            AND v.seen_at > clock_timestamp() - %(lease)s::interval
            -- What this worker claimed and has not in hand, it knows nothing of: the answer to that
            -- claim was lost.
            AND (v.id <> %(worker_id)s OR j.id = ANY (%(in_hand)s::uuid[]))
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
        -- A worker that died used up no retry: its attempt is made again, and the loss is counted;
        -- whoever asks has not died. Also where it is not known to have started: from here on it runs
        -- alone, and if its worker dies then, it was at fault before as well.
        attempt = j.attempt + (j.state <> 'running')::int,
        losses = j.losses + (j.state = 'running' AND j.worker_id <> %(worker_id)s)::int,
        worker_id = %(worker_id)s,
        published_at = coalesce(j.published_at, clock_timestamp()),
        claimed_at = clock_timestamp(),
        started_at = CASE WHEN %(suspects)s THEN clock_timestamp() END
    WHERE j.id = ANY (ARRAY(
        SELECT f.id FROM found f
        WHERE (%(suspects)s OR NOT f.is_suspect) AND (
            (f.state IN ('queued', 'retrying') AND f.run_at <= clock_timestamp())
            OR (f.state = 'running' AND f.held_until IS NULL)
        )
    ))
    RETURNING new.*, old.state AS old_state, old.fence AS old_fence, old.worker_id AS old_worker_id,
        old.started_at AS old_started_at, old.claimed_at AS old_claimed_at
),
lost AS (
    INSERT INTO jobs_attempt (
        organization_id, job_id, number, fence, worker_id, started_at, ended_at, outcome, error_class,
        error_message, error_frame, traceback, traceback_digest
    )
    SELECT c.organization_id, c.id, c.attempt, c.old_fence, c.old_worker_id,
        coalesce(c.old_started_at, c.old_claimed_at), clock_timestamp(),
        CASE WHEN c.old_started_at IS NULL THEN 'released' ELSE 'lost' END, 'WorkerLost',
        'Its worker died, or was cut off, while it ' || CASE WHEN c.old_started_at IS NULL
            THEN 'had this. Whether this had started is not known.' ELSE 'ran this.' END,
        '', '', ''
    FROM claimed c
    WHERE c.old_state = 'running' AND c.old_worker_id <> c.worker_id
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
    extract(epoch FROM c.claimed_at - c.run_at)::float AS wait_seconds,
    c.fence, c.attempt, c.max_attempts, c.losses, c.job_type, c.queue_group, c.payload, c.project_id,
    c.entity_type, c.entity_id, c.correlation_id, c.actor_id, c.effect_id, c.effect_state
FROM wanted w
LEFT JOIN found f ON f.organization_id = w.organization_id AND f.id = w.job_id
LEFT JOIN claimed c ON c.id = f.id
