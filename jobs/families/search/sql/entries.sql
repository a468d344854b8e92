-- entries: what the counter says of the documents behind a key.
-- parameters  organization_id bigint; kind text, entity_id bigint: behind this key; limit integer
-- result      kind, entity_id, version, deleted, digest; age_seconds since the version was counted
-- locks       none
-- cost        index searchentry_once, O(limit)
SELECT e.kind, e.entity_id, e.version, e.deleted, e.digest,
    extract(epoch FROM clock_timestamp() - e.changed_at)::float8 AS age_seconds
FROM search_entry e
WHERE e.organization_id = %(organization_id)s
    AND (e.kind, e.entity_id) > (%(kind)s, %(entity_id)s)
ORDER BY e.kind, e.entity_id
LIMIT %(limit)s
