-- known_keys: the jobs that idempotency keys made.
-- parameters  organization_ids bigint[], keys bytea[] (pairs)
-- result      per pair that is known: organization_id, key, job_id
-- locks       none
-- cost        index idempotencykey_once, O(log n) a key
SELECT k.organization_id, k.key, k.job_id
FROM unnest(%(organization_ids)s::bigint[], %(keys)s::bytea[]) AS w (organization_id, key)
JOIN jobs_idempotencykey k USING (organization_id, key)
