-- counts: how many rows of the chunk come to what.
-- parameters  none
-- result      outcome, rows
-- locks       none
-- cost        the chunk once
SELECT outcome, count(*) AS rows FROM imports_resolved GROUP BY outcome
