-- indexed: note that the newest version of some documents is in the index.
-- parameters  organization_id bigint; kinds text[], entity_ids bigint[], versions bigint[], digests
--             text[] (rows): what was written
-- result      seconds since each of them was changed; of those that another change has overtaken, none
-- locks       the rows, in the order of their keys; one that the counter has locked is overtaken
-- cost        one index look-up and one write each
WITH written AS (
    SELECT e.id, w.digest
    FROM unnest(
        %(kinds)s::text[], %(entity_ids)s::bigint[], %(versions)s::bigint[], %(digests)s::text[]
    ) AS w (kind, entity_id, version, digest)
    JOIN search_entry e ON e.organization_id = %(organization_id)s AND e.kind = w.kind
        AND e.entity_id = w.entity_id AND e.version = w.version
    WHERE e.digest <> w.digest
    ORDER BY e.kind, e.entity_id
    FOR UPDATE OF e SKIP LOCKED
)
UPDATE search_entry e SET digest = w.digest
FROM written w
WHERE e.id = w.id
RETURNING greatest(extract(epoch FROM clock_timestamp() - e.changed_at), 0)::float8 AS seconds
