-- enqueue: write new jobs with their idempotency keys; a key that is known makes no job.
-- parameters  arrays of one length, one element per job: organization_ids bigint, keys bytea,
--             job_ids uuid (ascending), project_ids bigint, payloads text (JSON), entity_types text,
--             entity_ids text, correlation_ids text, actor_ids text, run_at timestamptz; and, for all
--             of them, caused_by uuid, job_type, queue_group text, max_attempts int, policy_version
--             text
-- result      of each job that is not simply new, due now and in a queue without a capacity:
--             job_id, created, is_due (a held one is not), capacity of its queue. One that was not
--             created has another job for its key (ask `known_keys`), or an organization that does
--             not exist
-- locks       waits for a transaction that is writing the same key
-- cost        indexes idempotencykey_once, job_pkey and queuecontrol_once, O(log n) a job. One plan for
--             one job and for a thousand: each IN below is a hashed look-up, never a join
WITH controls AS MATERIALIZED (
    SELECT organization_id, capacity, is_draining FROM jobs_queuecontrol
    WHERE organization_id = ANY (%(organization_ids)s::bigint[])
        AND queue_group = %(queue_group)s AND (is_draining OR capacity IS NOT NULL)
),
new_keys AS (
    INSERT INTO jobs_idempotencykey (organization_id, key, job_id)
    SELECT w.organization_id, w.key, w.id
    FROM unnest(
        %(organization_ids)s::bigint[], %(keys)s::bytea[], %(job_ids)s::uuid[],
        %(project_ids)s::bigint[]
    ) AS w (organization_id, key, id, project_id)
    -- A project's key names its organization, so that one exists. The key is all that is checked.
    WHERE w.project_id IS NOT NULL OR w.organization_id IN (
        SELECT id FROM tenancy_organization WHERE id = ANY (%(organization_ids)s::bigint[])
    )
    ORDER BY w.organization_id, w.key, w.id
    ON CONFLICT (organization_id, key) DO NOTHING
    RETURNING job_id
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
    FROM (
        SELECT u.*,
            u.organization_id IN (SELECT organization_id FROM controls WHERE is_draining)
                AS is_draining
        FROM unnest(
            %(organization_ids)s::bigint[], %(job_ids)s::uuid[], %(project_ids)s::bigint[],
            %(payloads)s::text[], %(entity_types)s::text[], %(entity_ids)s::text[],
            %(correlation_ids)s::text[], %(actor_ids)s::text[], %(run_at)s::timestamptz[]
        ) AS u (
            organization_id, id, project_id, payload, entity_type, entity_id, correlation_id,
            actor_id, run_at
        )
    ) w
    WHERE (w.id IN (SELECT job_id FROM new_keys)) IS TRUE
)
SELECT
    w.id AS job_id, w.created,
    (w.run_at IS NULL OR w.run_at <= now()) AND c.is_draining IS NOT TRUE AS is_due, c.capacity
FROM (
    SELECT u.*, (u.id IN (SELECT job_id FROM new_keys)) IS TRUE AS created
    FROM unnest(
        %(organization_ids)s::bigint[], %(job_ids)s::uuid[], %(run_at)s::timestamptz[]
    ) AS u (organization_id, id, run_at)
) w
LEFT JOIN controls c ON c.organization_id = w.organization_id
WHERE NOT w.created OR w.run_at > now() OR c.organization_id IS NOT NULL
