-- finished: how the attempts of a stretch of time ended, by organization and queue group.
-- parameters  since, until timestamptz (the first belongs to it, the last does not)
-- result      organization_id, queue_group, attempts, failed, succeeded, retried, dead; an attempt that
--             was given back is none
-- locks       none
-- cost        index attempt_ended (the pages written since), and job_pkey for each attempt
SELECT
    a.organization_id, j.queue_group,
    count(*) AS attempts,
    count(*) FILTER (WHERE a.outcome <> 'succeeded') AS failed,
    count(*) FILTER (WHERE a.outcome = 'succeeded') AS succeeded,
    -- What died with its worker is run again, by whoever found it.
    count(*) FILTER (WHERE a.outcome = 'lost' OR a.retry_at IS NOT NULL) AS retried,
    count(*) FILTER (WHERE a.outcome = 'failed' AND a.retry_at IS NULL) AS dead
FROM jobs_attempt a
JOIN jobs_job j ON j.organization_id = a.organization_id AND j.id = a.job_id
WHERE a.ended_at >= %(since)s AND a.ended_at < %(until)s
    AND a.outcome IN ('succeeded', 'failed', 'lost')
GROUP BY a.organization_id, j.queue_group
