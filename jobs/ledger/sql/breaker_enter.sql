-- breaker_enter: may this job go to its destination, which has failed lately?
-- parameters  organization_id bigint, job_type, destination text, job_id uuid, probe_for interval
-- result      no row: it may, the breaker is closed. Else breaker_id and is_probe: the job may go as the
--             one that tries, or it is to be held
-- locks       the breaker's row, so that one job becomes the probe, and none is held behind a breaker
--             that is being forgotten
-- cost        index breaker_once
WITH shut AS (
    SELECT id, coalesce(
        open_until <= clock_timestamp() AND (
            probe_job_id IS NULL OR probe_job_id = %(job_id)s OR probe_until <= clock_timestamp()
        ), false
    ) AS is_probe
    FROM jobs_breaker
    WHERE organization_id = %(organization_id)s AND job_type = %(job_type)s
        AND destination = %(destination)s AND open_until IS NOT NULL
    FOR UPDATE
),
probe AS (
    UPDATE jobs_breaker b
    SET probe_job_id = %(job_id)s, probe_until = clock_timestamp() + %(probe_for)s::interval
    FROM shut s WHERE b.id = s.id AND s.is_probe
)
SELECT id AS breaker_id, is_probe FROM shut
