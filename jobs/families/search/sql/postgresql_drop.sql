-- postgresql_drop: remove some documents of a generation.
-- parameters  organization_id, generation_id bigint; limit integer
-- result      dropped: how many; fewer than the limit once nothing is left
-- locks       the rows that go
-- cost        index searchdocument_once and one delete each
WITH dropped AS (
    DELETE FROM search_document
    WHERE id IN (
        SELECT id FROM search_document
        WHERE organization_id = %(organization_id)s AND generation_id = %(generation_id)s
        ORDER BY kind, entity_id
        LIMIT %(limit)s
    )
    RETURNING id
)
SELECT count(*) AS dropped FROM dropped
