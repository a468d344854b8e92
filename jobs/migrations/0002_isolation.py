"""Row-level security on the ledger; the engine moves jobs along in every organization."""

from django.db import migrations

from tenancy.rls import TenantTable

# Workers have no organization; the engine keeps their table.
WORKERS = "GRANT SELECT, INSERT, UPDATE, DELETE ON jobs_worker TO engine"


class Migration(migrations.Migration):
    """Fence the tables."""

    dependencies = [("jobs", "0001_initial"), ("tenancy", "0002_isolation")]

    operations = [
        TenantTable("job", engine="SELECT, UPDATE"),
        TenantTable("idempotencykey", engine="SELECT, DELETE"),
        TenantTable("attempt", engine="SELECT, UPDATE"),
        TenantTable("deadletter", engine="SELECT, INSERT, UPDATE"),
        migrations.RunSQL(WORKERS, migrations.RunSQL.noop),
    ]
