-- remove_workers: workers that gave no sign of life for long go; what they ran is told by attempts.
-- parameters  keep interval
-- result      the workers that went: id
-- locks       the rows that go
-- cost        the whole table: a row for each worker process of the last days
DELETE FROM jobs_worker WHERE seen_at < now() - %(keep)s::interval RETURNING id
