-- drift: what the last comparisons of the live indexes found, in the engine's scope.
-- result      kind, documents
-- locks       none
-- cost        one row of each organization
SELECT d.key AS kind, sum(d.value::bigint)::bigint AS documents
FROM search_generation g CROSS JOIN LATERAL jsonb_each_text(g.drift) d
WHERE g.state = 'live'
GROUP BY d.key
