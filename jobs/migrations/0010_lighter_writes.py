"""Fewer checks and index entries for each job that is written, and none less strict.

What row security checks of a written row is read from the setting once a statement, not for each
row. The organization of jobs, keys and attempts is not looked up again by a key of its own, and
two unique keys that nothing refers to go.
"""

from typing import Any

from django.db import migrations, models

from tenancy.rls import ORGANIZATIONS, ORGANIZATIONS_ONCE

# Of every table that is fenced by now; later ones are made so.
WRITTEN = """
    DO $$
    DECLARE fenced record;
    BEGIN
        FOR fenced IN
            SELECT tablename, substring(qual FROM '^\\((\\w+) = ') AS organization
            FROM pg_policies WHERE schemaname = 'public' AND policyname = 'app'
        LOOP
            EXECUTE format(
                'ALTER POLICY app ON %I WITH CHECK (%I = ' || $condition${condition}$condition$ || ')',
                fenced.tablename, fenced.organization
            );
        END LOOP;
    END $$
"""
# Keys are found by their own, never by the scope; those just written are read back.
READ = "ALTER POLICY app ON jobs_idempotencykey USING (organization_id = {condition})"
UNREFERRED = ("jobs_idempotencykey", "jobs_attempt")


def _owner() -> Any:
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        editable=False,
        on_delete=models.deletion.PROTECT,
        related_name="+",
        to="tenancy.organization",
    )


class Migration(migrations.Migration):
    """Alter three tables of the ledger, and all policies."""

    dependencies = [("jobs", "0009_breakers")]

    operations = [
        migrations.RunSQL(
            WRITTEN.format(condition=ORGANIZATIONS_ONCE), WRITTEN.format(condition=ORGANIZATIONS)
        ),
        migrations.RunSQL(
            READ.format(condition=ORGANIZATIONS_ONCE), READ.format(condition=ORGANIZATIONS)
        ),
        *(
            migrations.AlterField(model_name=model, name="organization", field=_owner())
            for model in ("job", "idempotencykey", "attempt")
        ),
        *(
            migrations.RunSQL(
                f"ALTER TABLE {table} DROP CONSTRAINT {table}_organization_row",
                f"ALTER TABLE {table} ADD CONSTRAINT {table}_organization_row "
                "UNIQUE (organization_id, id)",
            )
            for table in UNREFERRED
        ),
    ]
