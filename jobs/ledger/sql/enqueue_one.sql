-- enqueue_one: write one job that goes in line at once, with its idempotency key.
-- parameters  organization_id, project_id bigint, key bytea, job_id, caused_by uuid, payload text
--             (JSON), entity_type, entity_id, correlation_id, actor_id, job_type, queue_group text,
--             max_attempts int, policy_version text
-- result      a row if it was written; none if the key is known, the organization does not exist, or
--             its queue is drained or has a capacity: `enqueue` writes it then, or says why not
-- locks       waits for a transaction that is writing the same key
-- cost        indexes idempotencykey_once, job_pkey and queuecontrol_once, O(log n). Half of what
--             `enqueue` takes for one job: a plan of a few steps is set up sooner
WITH new_key AS (
    INSERT INTO jobs_idempotencykey (organization_id, key, job_id)
    SELECT %(organization_id)s::bigint, %(key)s::bytea, %(job_id)s::uuid
    WHERE EXISTS (SELECT FROM tenancy_organization WHERE id = %(organization_id)s::bigint)
        AND NOT EXISTS (
            SELECT FROM jobs_queuecontrol
            WHERE organization_id = %(organization_id)s::bigint AND queue_group = %(queue_group)s
                AND (is_draining OR capacity IS NOT NULL)
        )
    ON CONFLICT (organization_id, key) DO NOTHING
    RETURNING organization_id, job_id
)
INSERT INTO jobs_job (
    id, organization_id, project_id, job_type, queue_group, payload, entity_type, entity_id,
    correlation_id, actor_id, caused_by, state, reason, fence, attempt, max_attempts, losses,
    policy_version, worker_id, run_at, effect_id, effect_state, error_class, error_message
)
SELECT
    job_id, organization_id, %(project_id)s::bigint, %(job_type)s, %(queue_group)s,
    %(payload)s::jsonb, %(entity_type)s, %(entity_id)s, %(correlation_id)s, %(actor_id)s,
    %(caused_by)s::uuid, 'queued', '', 0, 0, %(max_attempts)s, 0, %(policy_version)s, '', now(), '',
    'not_begun', '', ''
FROM new_key
RETURNING 1 AS written
