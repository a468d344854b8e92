"""Reports that go at once, because their organization was suspended."""

from django.db import migrations, models

RIGHTS = "GRANT UPDATE (reports_expired) ON jobs_import TO engine"


class Migration(migrations.Migration):
    dependencies = [("jobs", "0014_search")]

    operations = [
        migrations.AddField(
            model_name="import",
            name="reports_expired",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddIndex(
            model_name="import",
            index=models.Index(
                condition=models.Q(("reports_expired", True)),
                fields=["id"],
                name="import_with_expired_reports",
            ),
        ),
        migrations.RunSQL(RIGHTS, migrations.RunSQL.noop),
    ]
