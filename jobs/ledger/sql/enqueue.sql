-- enqueue: write new jobs with their idempotency keys; a key that is known makes no job.
-- parameters  arrays of one length, one element per job: organization_ids bigint, keys bytea,
--             project_ids bigint, payloads text (JSON), entity_types text, entity_ids text,
--             correlation_ids text, actor_ids text, run_at timestamptz; and, for all of them,
--             caused_by uuid, job_type, queue_group text, max_attempts int, policy_version text
-- result      per job, in the order given: job_id, created, is_due (a held one is not), capacity (of
--             its queue; null: any number may wait). job_id is null where another transaction
--             enqueued the same key while this statement ran: ask `known_keys` again
-- locks       waits for a transaction that is writing the same key
-- cost        indexes idempotencykey_once, job_pkey and queuecontrol_once, O(log n) a job
WITH wanted AS MATERIALIZED (
    SELECT uuidv7() AS id, w.*, c.capacity, coalesce(c.is_draining, false) AS is_draining
    FROM unnest(
        %(organization_ids)s::bigint[], %(keys)s::bytea[], %(project_ids)s::bigint[],
        %(payloads)s::text[], %(entity_types)s::text[], %(entity_ids)s::text[],
        %(correlation_ids)s::text[], %(actor_ids)s::text[], %(run_at)s::timestamptz[]
    ) WITH ORDINALITY AS w (
        organization_id, key, project_id, payload, entity_type, entity_id, correlation_id,
        actor_id, run_at, ordinal
    )
    LEFT JOIN jobs_queuecontrol c
        ON c.organization_id = w.organization_id AND c.queue_group = %(queue_group)s
),
new_keys AS (
    INSERT INTO jobs_idempotencykey (organization_id, key, job_id)
    SELECT organization_id, key, id FROM wanted ORDER BY organization_id, key, ordinal
    ON CONFLICT (organization_id, key) DO NOTHING
    RETURNING organization_id, key, job_id
),
new_jobs AS (
    INSERT INTO jobs_job (
        id, organization_id, project_id, job_type, queue_group, payload, entity_type, entity_id,
        correlation_id, actor_id, caused_by, state, hold, reason, fence, attempt, max_attempts, losses,
        policy_version, worker_id, run_at, effect_id, effect_state, error_class, error_message
    )
    SELECT
        w.id, w.organization_id, w.project_id, %(job_type)s, %(queue_group)s, w.payload::jsonb,
        w.entity_type, w.entity_id, w.correlation_id, w.actor_id, %(caused_by)s::uuid,
        CASE WHEN w.is_draining OR w.run_at > now() THEN 'scheduled' ELSE 'queued' END,
        CASE WHEN w.is_draining THEN 'draining' END, '', 0, 0, %(max_attempts)s, 0,
        %(policy_version)s, '', coalesce(w.run_at, now()), '', 'not_begun', '', ''
    FROM wanted w JOIN new_keys k ON k.job_id = w.id
)
SELECT
    coalesce(fresh.job_id, same.job_id, old.job_id) AS job_id, fresh.job_id IS NOT NULL AS created,
    (w.run_at IS NULL OR w.run_at <= now()) AND NOT w.is_draining AS is_due, w.capacity
FROM wanted w
LEFT JOIN new_keys fresh ON fresh.job_id = w.id
LEFT JOIN new_keys same ON same.organization_id = w.organization_id AND same.key = w.key
-- One look-up in the index for each key that made no job: a plain join reads all keys of an
-- organization, once the planner has never heard of how many this one has.
LEFT JOIN LATERAL (
    SELECT k.job_id FROM jobs_idempotencykey k
    WHERE fresh.job_id IS NULL AND k.organization_id = w.organization_id AND k.key = w.key
    LIMIT 1
) old ON true
ORDER BY w.ordinal
