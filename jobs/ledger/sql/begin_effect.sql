-- begin_effect: note, before an outside effect, under which id it goes out.
-- parameters  organization_id bigint, job_id uuid, fence bigint, effect_id text
-- result      effect_id: the one noted first, on whichever attempt; no row when the fence is lost
-- locks       the row
-- cost        index job_pkey
UPDATE jobs_job
SET effect_id = CASE effect_id WHEN '' THEN %(effect_id)s ELSE effect_id END,
    effect_state = CASE effect_state WHEN 'not_begun' THEN 'begun' ELSE effect_state END
WHERE organization_id = %(organization_id)s AND id = %(job_id)s
    AND state = 'running' AND fence = %(fence)s
RETURNING effect_id
