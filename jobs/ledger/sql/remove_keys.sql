-- remove_keys: idempotency keys that are old enough go, once their job is gone too.
-- parameters  after bigint (the last id of the page before), limit int, keep interval
-- result      looked_at: keys of this page; removed: those that went; last: the id to go on after
-- locks       the rows that go, which nobody else writes to
-- cost        index idempotencykey_pkey, O(log n + limit), and a look into job_pkey for each key
WITH page AS MATERIALIZED (
    SELECT id, created_at FROM jobs_idempotencykey
    WHERE id > %(after)s::bigint
    ORDER BY id LIMIT %(limit)s
),
old AS (
    SELECT k.id FROM page p JOIN jobs_idempotencykey k ON k.id = p.id
    WHERE p.created_at < now() - %(keep)s::interval
        AND NOT EXISTS (SELECT FROM jobs_job j WHERE j.id = k.job_id)
),
gone AS (
    DELETE FROM jobs_idempotencykey k USING old o WHERE k.id = o.id RETURNING k.id
)
-- Keys are numbered as they are made: the first that is too young ends the walk.
SELECT
    (SELECT count(*) FROM page WHERE created_at < now() - %(keep)s::interval) AS looked_at,
    (SELECT count(*) FROM gone) AS removed,
    (SELECT max(id) FROM page) AS last
