-- purge: forget one tombstone, unless its document has come back.
-- parameters  id bigint, version bigint
-- result      purged: 1, or 0 where there is a newer version
-- locks       the row
-- cost        one look-up by primary key
WITH purged AS (
    DELETE FROM search_entry WHERE id = %(id)s AND version = %(version)s AND deleted RETURNING id
)
SELECT count(*) AS purged FROM purged
