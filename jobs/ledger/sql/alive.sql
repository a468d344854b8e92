-- alive: how many processes serve each queue group; `scheduler` is one of them.
-- parameters  lease interval
-- result      queue_group, processes; no row for a group that nobody serves
-- locks       none
-- cost        the table of workers, a row for each process since the last cleaning
SELECT g.name AS queue_group, count(*) AS processes
FROM jobs_worker, jsonb_array_elements_text(queue_groups) AS g (name)
WHERE stopped_at IS NULL AND seen_at > clock_timestamp() - %(lease)s::interval
GROUP BY g.name
