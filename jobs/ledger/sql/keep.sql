-- keep: a step of a running job is done, and the job is still this attempt's until the caller's
-- transaction is over.
-- parameters  organization_id bigint, job_id uuid, fence bigint
-- result      nothing; raises JB001 when the fence is no longer its own, inside the database, so that
--             a COMMIT that was sent along does not happen
-- locks       the row: whoever wants to claim it waits for that COMMIT, and sees what it wrote
-- cost        index job_pkey
WITH kept AS (
    UPDATE jobs_job SET losses = 0  -- it got on since its worker died last: it is no suspect any more
    WHERE organization_id = %(organization_id)s AND id = %(job_id)s
        AND state = 'running' AND fence = %(fence)s
    RETURNING id
)
SELECT jobs_held(count(*)) FROM kept
