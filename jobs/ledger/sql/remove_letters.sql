-- remove_letters: handled dead letters of messages that named no job go; others go with their job.
-- parameters  limit int, keep interval
-- result      the dead letters that went: id
-- locks       the rows that go; SKIP LOCKED, so that nobody is waited for and two may do it at once
-- cost        partial index deadletter_handled, O(log n + limit)
DELETE FROM jobs_deadletter d
USING (
    SELECT id FROM jobs_deadletter
    WHERE job_id IS NULL AND state <> 'open' AND handled_at < now() - %(keep)s::interval
    ORDER BY handled_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
) old
WHERE d.id = old.id
RETURNING d.id
