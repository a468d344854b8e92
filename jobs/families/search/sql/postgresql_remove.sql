-- postgresql_remove: take documents out, unless they have changed since they were scanned.
-- parameters  generation_id bigint; arrays of one length: organization_ids bigint, kinds text,
--             entity_ids, versions bigint
-- result      none
-- locks       the rows
-- cost        one index look-up and one delete each
DELETE FROM search_document d
USING unnest(
    %(organization_ids)s::bigint[], %(kinds)s::text[], %(entity_ids)s::bigint[],
    %(versions)s::bigint[]
) AS w (organization_id, kind, entity_id, version)
WHERE d.organization_id = w.organization_id AND d.generation_id = %(generation_id)s
    AND d.kind = w.kind AND d.entity_id = w.entity_id AND d.version = w.version
