-- tombstones: deleted documents that no unfinished job can be older than.
-- parameters  kept_seconds float: how old they are at least; limit integer
-- result      id, organization_id, kind, entity_id, version, deleted, digest of each
-- locks       none
-- cost        index searchentry_tombstones, and for each organization its unfinished jobs
SELECT e.id, e.organization_id, e.kind, e.entity_id, e.version, e.deleted, e.digest
FROM search_entry e
WHERE e.deleted AND e.changed_at < now() - make_interval(secs => %(kept_seconds)s)
    AND NOT EXISTS (
        SELECT FROM jobs_job j
        WHERE j.organization_id = e.organization_id AND j.job_type LIKE 'search.%%'
            AND j.state <> 'succeeded'
            AND j.state NOT IN ('dead', 'cancelled') AND j.created_at <= e.changed_at
    )
ORDER BY e.changed_at
LIMIT %(limit)s
