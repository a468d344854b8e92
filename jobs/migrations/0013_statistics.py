"""Let a long import tell the planner what it has written.

Only a table's owner may say ANALYZE. An import's second chunk, planned by what was known before the
first, compares every row with every entry of the organization.
"""

from django.db import migrations

NAME = "analyze_timeline()"
MAKE = f"""
    CREATE FUNCTION {NAME} RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$ BEGIN ANALYZE public.tenancy_timelineentry; END $$;
    REVOKE ALL ON FUNCTION {NAME} FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION {NAME} TO app;
"""


class Migration(migrations.Migration):
    """Add one function."""

    dependencies = [("jobs", "0012_exports"), ("tenancy", "0004_invitations")]

    operations = [migrations.RunSQL(MAKE, f"DROP FUNCTION {NAME}")]
