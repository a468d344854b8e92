-- lock: keep the counter from some documents, for a backend that would take an older version.
-- parameters  organization_id bigint; kinds text[], entity_ids bigint[] (pairs)
-- result      none
-- locks       the rows, in the order of their keys, until the transaction ends
-- cost        one index look-up each
SELECT FROM search_entry e
WHERE e.organization_id = %(organization_id)s AND (e.kind, e.entity_id) IN (
    SELECT w.kind, w.entity_id FROM unnest(%(kinds)s::text[], %(entity_ids)s::bigint[])
        AS w (kind, entity_id)
)
ORDER BY e.kind, e.entity_id
FOR UPDATE
