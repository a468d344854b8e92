"""The one way to ask the index of the PostgreSQL backend.

`@@` is not leakproof, so under the policy of `app` no query could use the index of words. This function
belongs to a role that cannot log in and whose policy shows every row. It takes the organizations from
the transaction's own scope, so nobody finds more through it than through the table.
"""

from django.db import migrations

FIND = """
CREATE FUNCTION find_documents(
    asked bigint, number bigint, wanted text, kinds text[], last_score real, last_id bigint, most integer
)
    RETURNS TABLE (id bigint, kind text, entity_id bigint, score real)
    LANGUAGE sql STABLE SECURITY DEFINER
    -- pg_temp last: unnamed it comes first, and a temporary table would stand in for ours. A plan of its
    -- own for each call: how many rows a word has decides whether the index is worth reading.
    SET search_path = pg_catalog, public, pg_temp
    SET plan_cache_mode = force_custom_plan
    AS $$
    SELECT found.id, found.kind, found.entity_id, found.score
    FROM (
        SELECT d.id, d.kind, d.entity_id,
            ts_rank_cd('{0.1, 0.2, 0.4, 1.0}', d.vector, wanted::tsquery, 1) AS score
        FROM public.search_document d
        WHERE d.vector @@ wanted::tsquery AND d.organization_id = asked AND d.generation_id = number
            AND d.kind = ANY (kinds) AND NOT d.deleted
            AND asked = ANY (
                string_to_array(nullif(current_setting('app.organizations', true), ''), ',')::bigint[]
            )
    ) found
    WHERE last_score IS NULL OR found.score < last_score
        OR (found.score = last_score AND found.id > last_id)
    ORDER BY found.score DESC, found.id
    LIMIT most
    $$;
REVOKE ALL ON FUNCTION find_documents(bigint, bigint, text, text[], real, bigint, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_documents(bigint, bigint, text, text[], real, bigint, integer) TO app;
-- Its owner may create in the schema only while the function changes hands.
GRANT CREATE ON SCHEMA public TO operator;
ALTER FUNCTION find_documents(bigint, bigint, text, text[], real, bigint, integer) OWNER TO operator;
REVOKE CREATE ON SCHEMA public FROM operator;
"""
DROP = "DROP FUNCTION find_documents(bigint, bigint, text, text[], real, bigint, integer)"


class Migration(migrations.Migration):
    dependencies = [("jobs", "0015_expired_reports")]

    operations = [migrations.RunSQL(FIND, DROP)]
