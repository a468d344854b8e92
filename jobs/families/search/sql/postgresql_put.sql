-- postgresql_put: write documents that are newer than those of the index.
-- parameters  organization_id, generation_id bigint; arrays of one length: kinds text, entity_ids,
--             versions bigint, deleted boolean, project_ids bigint, titles, vectors text (tsvector, as
--             `vector` writes it), digests text
-- result      kind, entity_id of those that were written; the others are as new or newer there
-- locks       the rows, in the order of their keys
-- cost        one index look-up each; a write with an entry in the GIN index for every word
INSERT INTO search_document AS d (
    organization_id, generation_id, kind, entity_id, version, deleted, project_id, title, vector,
    digest, checksum
)
SELECT %(organization_id)s, %(generation_id)s, w.kind, w.entity_id, w.version, w.deleted,
    w.project_id, w.title, w.vector, w.digest,
    hashtextextended(
        concat_ws(E'\x1f', w.version, w.deleted, w.project_id, w.title, w.digest, w.vector), 0
    )
FROM (
    SELECT kind, entity_id, version, deleted, project_id, title, vector::tsvector AS vector, digest
    FROM unnest(
        %(kinds)s::text[], %(entity_ids)s::bigint[], %(versions)s::bigint[], %(deleted)s::boolean[],
        %(project_ids)s::bigint[], %(titles)s::text[], %(vectors)s::text[], %(digests)s::text[]
    ) AS u (kind, entity_id, version, deleted, project_id, title, vector, digest)
) w
ORDER BY w.kind, w.entity_id
ON CONFLICT (organization_id, generation_id, kind, entity_id) DO UPDATE
SET version = excluded.version, deleted = excluded.deleted, project_id = excluded.project_id,
    title = excluded.title, vector = excluded.vector, digest = excluded.digest,
    checksum = excluded.checksum
WHERE d.version < excluded.version
RETURNING kind, entity_id
