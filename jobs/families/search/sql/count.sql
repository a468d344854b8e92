-- count: the next version of some documents.
-- parameters  organization_id bigint; kinds text[], entity_ids bigint[] (pairs, each once); deleted
--             boolean: whether they are gone, or null to leave that as it is
-- result      kind, entity_id, version of each
-- locks       the rows, in the order of their keys, until the transaction ends: whoever changes one
--             document at the same time waits, and gets the version after
-- cost        one index look-up and one write each
INSERT INTO search_entry AS e (organization_id, kind, entity_id, version, deleted, digest, changed_at)
SELECT %(organization_id)s, w.kind, w.entity_id, 1, coalesce(%(deleted)s::boolean, false), '',
    clock_timestamp()
FROM unnest(%(kinds)s::text[], %(entity_ids)s::bigint[]) AS w (kind, entity_id)
ORDER BY w.kind, w.entity_id
ON CONFLICT (organization_id, kind, entity_id) DO UPDATE
SET version = e.version + 1, deleted = coalesce(%(deleted)s::boolean, e.deleted), digest = '',
    changed_at = clock_timestamp()
RETURNING kind, entity_id, version
