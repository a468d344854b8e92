-- postgresql_search: documents that match, the best first.
-- parameters  organization_id, generation_id bigint; wanted text (tsquery, as `matching` writes it);
--             kinds text[]; last_score real, last_id bigint: the last one that was seen, or null;
--             limit integer
-- result      id, kind, entity_id, score: by falling score, then by id; nothing for an organization that
--             is not in the transaction's scope
-- locks       none
-- cost        the entries of the words in the GIN index, which are this generation's alone, and one row
--             each to rank
SELECT id, kind, entity_id, score
FROM find_documents(
    %(organization_id)s, %(generation_id)s, %(wanted)s, %(kinds)s::text[], %(last_score)s::real,
    %(last_id)s, %(limit)s
)
