-- postgresql_scan: what the index holds of one generation, whoever's it claims to be.
-- parameters  generation_id bigint; kind text, entity_id bigint: behind this key; limit integer
-- result      organization_id, kind, entity_id, version, deleted, digest; the digest is empty where
--             the row is not as it was written
-- locks       none
-- cost        index searchdocument_in_order, O(limit)
SELECT d.organization_id, d.kind, d.entity_id, d.version, d.deleted,
    CASE WHEN d.checksum = hashtextextended(
        concat_ws(E'\x1f', d.version, d.deleted, d.project_id, d.title, d.digest, d.vector), 0
    ) THEN d.digest ELSE '' END AS digest
FROM search_document d
WHERE d.generation_id = %(generation_id)s AND (d.kind, d.entity_id) > (%(kind)s, %(entity_id)s)
ORDER BY d.kind, d.entity_id
LIMIT %(limit)s
