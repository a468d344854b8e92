"""Row-level security on every table of this app, and the one question asked before any scope."""

from django.db import migrations

from tenancy.rls import TenantTable

ORGANIZATIONS_OF = """
CREATE FUNCTION organizations_of(person bigint)
    RETURNS TABLE (organization_id bigint, role text)
    -- pg_temp last: unnamed it comes first, and a temporary table would stand in for ours.
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$ SELECT m.organization_id, m.role FROM public.tenancy_membership m WHERE m.user_id = person $$;
REVOKE ALL ON FUNCTION organizations_of(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION organizations_of(bigint) TO app, operator;
-- Owned by a role that cannot log in and whose policy shows every row; it may create in the schema
-- only while the function changes hands.
GRANT CREATE ON SCHEMA public TO operator;
ALTER FUNCTION organizations_of(bigint) OWNER TO operator;
REVOKE CREATE ON SCHEMA public FROM operator;
"""

SITE = """
INSERT INTO tenancy_organization (id, name, slug, state, time_zone, locale)
VALUES (0, 'The site', 'site', 'active', 'UTC', 'en')
"""


class Migration(migrations.Migration):
    """Fence the tables."""

    dependencies = [("tenancy", "0001_initial")]

    operations = [
        # The engine asks whether an organization is active, and nothing else of the domain.
        TenantTable("organization", engine="SELECT"),
        TenantTable("membership"),
        TenantTable("serviceaccount"),
        TenantTable("project"),
        TenantTable("collaborator"),
        TenantTable("mission"),
        TenantTable("timelineentry"),
        TenantTable("assignment"),
        TenantTable("domainevent"),
        migrations.RunSQL(ORGANIZATIONS_OF, "DROP FUNCTION organizations_of(bigint)"),
        migrations.RunSQL(SITE, "DELETE FROM tenancy_organization WHERE id = 0"),
    ]
