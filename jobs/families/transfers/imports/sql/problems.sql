-- problems: the rows of the chunk that failed against what is there, in the order of the file.
-- parameters  none
-- result      row, line, problems, and as the file has them id, key, mission
-- locks       none
-- cost        the chunk once
SELECT r.row, r.line, r.problems, s.id, s.key, s.mission
FROM imports_resolved r JOIN imports_staged s ON s.row = r.row
WHERE r.outcome = 'failed'
ORDER BY r.row
