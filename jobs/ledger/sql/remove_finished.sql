-- remove_finished: finished jobs that were kept long enough go, with attempts and handled dead letters.
-- parameters  after uuid (the last id of the page before), limit int, keep_succeeded, keep_cancelled
--             interval
-- result      looked_at: jobs of this page; removed: those that went; last: the id to go on after
-- locks       the rows that go; SKIP LOCKED, so that nobody is waited for and two may do it at once
-- cost        index job_pkey, O(log n + limit), and O(log n) for each job that goes. Ids begin with the
--             time they were made at, so the walk needs no index that every job would have to enter
WITH page AS MATERIALIZED (
    SELECT id FROM jobs_job
    WHERE id > %(after)s::uuid
        AND id < (SELECT uuidv7(-least(%(keep_succeeded)s::interval, %(keep_cancelled)s::interval)))
    ORDER BY id LIMIT %(limit)s
),
over AS (
    SELECT j.id FROM page p JOIN jobs_job j ON j.id = p.id
    WHERE (
            j.state = 'succeeded' AND j.finished_at < now() - %(keep_succeeded)s::interval
            OR j.state = 'cancelled' AND j.finished_at < now() - %(keep_cancelled)s::interval
        )
        AND NOT EXISTS (
            SELECT FROM jobs_deadletter d
            WHERE d.organization_id = j.organization_id AND d.job_id = j.id AND d.state = 'open'
        )
    FOR UPDATE OF j SKIP LOCKED
),
gone AS (
    DELETE FROM jobs_job j USING over o WHERE j.id = o.id RETURNING j.organization_id, j.id
),
attempts AS (
    DELETE FROM jobs_attempt a USING gone g
    WHERE a.organization_id = g.organization_id AND a.job_id = g.id
),
letters AS (
    DELETE FROM jobs_deadletter d USING gone g
    WHERE d.organization_id = g.organization_id AND d.job_id = g.id
)
SELECT
    (SELECT count(*) FROM page) AS looked_at,
    (SELECT count(*) FROM gone) AS removed,
    (SELECT id FROM page ORDER BY id DESC LIMIT 1) AS last
