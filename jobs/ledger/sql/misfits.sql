-- misfits: jobs whose rows do not fit together, which no door of the ledger leads to.
-- parameters  limit int, patience interval (how long the relay may take), lease interval
-- result      kind, organization_id, id
-- locks       none
-- cost        partial indexes job_by_state, job_unpublished and job_held: what is dead, unpublished,
--             running or held, each with a look into another index
(
    SELECT 'dead_without_letter' AS kind, j.organization_id, j.id FROM jobs_job j
    WHERE j.state = 'dead' AND NOT EXISTS (
        SELECT FROM jobs_deadletter d
        WHERE d.organization_id = j.organization_id AND d.job_id = j.id AND d.state = 'open'
    )
    LIMIT %(limit)s
)
UNION ALL
(
    SELECT 'unpublished', organization_id, id FROM jobs_job
    WHERE state = 'queued' AND published_at IS NULL
        AND greatest(created_at, run_at) < clock_timestamp() - %(patience)s::interval
    ORDER BY created_at LIMIT %(limit)s
)
UNION ALL
(
    SELECT 'behind_no_breaker', j.organization_id, j.id FROM jobs_job j
    WHERE j.hold = 'breaker' AND NOT EXISTS (
        SELECT FROM jobs_breaker b WHERE b.organization_id = j.organization_id AND b.id = j.breaker_id
    )
    LIMIT %(limit)s
)
UNION ALL
(
    SELECT 'without_worker', j.organization_id, j.id FROM jobs_job j
    WHERE j.state = 'running' AND NOT EXISTS (
        SELECT FROM jobs_worker v
        WHERE v.id = j.worker_id AND v.stopped_at IS NULL
            AND v.seen_at > clock_timestamp() - %(lease)s::interval
    )
    LIMIT %(limit)s
)
