-- twice: the rows that are about the same entry as a row before them, in the order of the file.
-- parameters  none
-- result      row, line, first_row, is_same (it says the same as the first), outcome (as it was
--             counted)
-- locks       none
-- cost        a hash of all rows; the rest only for those that come twice
SELECT DISTINCT ON (row) row, line, first_row, coalesce(digest = first_digest, false) AS is_same,
    outcome
FROM (
    SELECT row, line, digest, outcome, first_value(row) OVER firsts AS first_row,
        first_value(digest) OVER firsts AS first_digest
    FROM imports_seen
    WHERE identity IN (SELECT identity FROM imports_seen GROUP BY identity HAVING count(*) > 1)
    WINDOW firsts AS (PARTITION BY identity ORDER BY row)
) of_each
WHERE row <> first_row
ORDER BY row, is_same, first_row
