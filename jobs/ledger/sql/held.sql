-- held: queues whose held jobs may go on, with what held them; drawn by lot where they are many, so
-- that those whose capacity stays full do not stand before the others.
-- parameters  limit int
-- result      organization_id, hold, queue_group, capacity (or null: any number may wait)
-- locks       none
-- cost        partial index job_held: one look for each cause of each queue that has held jobs,
--             however many they are
WITH RECURSIVE holding AS (
    (
        SELECT organization_id, hold, queue_group FROM jobs_job WHERE hold IS NOT NULL
        ORDER BY organization_id, hold, queue_group LIMIT 1
    )
    UNION ALL
    SELECT further.* FROM holding h CROSS JOIN LATERAL (
        SELECT j.organization_id, j.hold, j.queue_group FROM jobs_job j
        WHERE j.hold IS NOT NULL
            AND (j.organization_id, j.hold, j.queue_group)
                > (h.organization_id, h.hold, h.queue_group)
        ORDER BY j.organization_id, j.hold, j.queue_group LIMIT 1
    ) further
)
SELECT h.organization_id, h.hold, h.queue_group, c.capacity
FROM holding h
JOIN tenancy_organization o ON o.id = h.organization_id AND o.state = 'active'
LEFT JOIN jobs_queuecontrol c
    ON c.organization_id = h.organization_id AND c.queue_group = h.queue_group
WHERE CASE h.hold
    WHEN 'organization_suspended' THEN true
    WHEN 'draining' THEN NOT coalesce(c.is_draining, false)
    WHEN 'capacity' THEN true
    ELSE false
END
ORDER BY random() LIMIT %(limit)s
