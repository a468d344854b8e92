"""The log can be added to and read; nobody can change it, the owner of the table included."""

from django.db import migrations

from tenancy.rls import TenantTable

REFUSE = """
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit_auditevent
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
-- Row triggers do not see TRUNCATE.
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
ALTER TABLE audit_auditevent ENABLE ALWAYS TRIGGER audit_no_change;
ALTER TABLE audit_auditevent ENABLE ALWAYS TRIGGER audit_no_truncate;
-- Identity and time of an event are the database's to give.
REVOKE INSERT ON audit_auditevent FROM app, operator;
GRANT INSERT (organization_id, event, personal) ON audit_auditevent TO app, operator;
"""

ALLOW = """
DROP TRIGGER audit_no_change ON audit_auditevent;
DROP TRIGGER audit_no_truncate ON audit_auditevent;
DROP FUNCTION audit_refuse();
"""


class Migration(migrations.Migration):
    """Close the table."""

    dependencies = [("audit", "0001_initial"), ("tenancy", "0002_isolation")]

    operations = [
        TenantTable("auditevent", append_only=True),
        migrations.RunSQL(REFUSE, ALLOW),
    ]
