"""Search: the counter of documents, the generations of the index, the own backend's documents."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import jobs.families.search.models
import tenancy.rls

# Found by the search function alone, which puts the organization's condition on the query: `@@` is not
# leakproof, so under a policy no query of `app` would use this index.
WORDS = "CREATE INDEX search_document_words ON search_document USING gin (vector)"


class Migration(migrations.Migration):
    """Make and fence the tables."""

    dependencies = [
        ("jobs", "0013_statistics"),
        ("tenancy", "0004_invitations"),
    ]

    operations = [
        migrations.CreateModel(
            name="SearchGeneration",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("backend", models.CharField(max_length=32)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("building", "Building"),
                            ("live", "Live"),
                            ("retired", "Retired"),
                            ("dropped", "Dropped"),
                        ],
                        default="building",
                        max_length=16,
                    ),
                ),
                ("checkpoint_kind", models.CharField(blank=True, default="", max_length=16)),
                ("checkpoint_id", models.BigIntegerField(default=0)),
                ("done", models.BigIntegerField(default=0)),
                ("total", models.BigIntegerField(default=0)),
                ("per_second", models.IntegerField(null=True)),
                ("turn", models.IntegerField(default=0)),
                ("job_id", models.UUIDField(null=True)),
                ("reason", models.CharField(blank=True, default="", max_length=300)),
                ("cancel_requested_at", models.DateTimeField(null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("progress_at", models.DateTimeField(null=True)),
                ("live_at", models.DateTimeField(null=True)),
                ("drop_at", models.DateTimeField(null=True)),
                ("removed_at", models.DateTimeField(null=True)),
                ("checked_at", models.DateTimeField(null=True)),
                ("drift", models.JSONField(default=dict)),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenancy.organization",
                    ),
                ),
            ],
            options={
                "db_table": "search_generation",
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="SearchDocument",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("mission", "Mission"), ("project", "Project")], max_length=16
                    ),
                ),
                ("entity_id", models.BigIntegerField()),
                ("version", models.BigIntegerField()),
                ("deleted", models.BooleanField(default=False)),
                ("project_id", models.BigIntegerField(null=True)),
                ("title", models.TextField(blank=True, default="")),
                ("vector", jobs.families.search.models.Words()),
                ("digest", models.CharField(max_length=32)),
                ("checksum", models.BigIntegerField()),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenancy.organization",
                    ),
                ),
                (
                    "generation",
                    tenancy.rls.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="jobs.searchgeneration",
                    ),
                ),
            ],
            options={
                "db_table": "search_document",
            },
        ),
        migrations.CreateModel(
            name="SearchEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("mission", "Mission"), ("project", "Project")], max_length=16
                    ),
                ),
                ("entity_id", models.BigIntegerField()),
                ("version", models.BigIntegerField(default=1)),
                ("deleted", models.BooleanField(default=False)),
                ("digest", models.CharField(blank=True, default="", max_length=32)),
                (
                    "changed_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenancy.organization",
                    ),
                ),
            ],
            options={
                "db_table": "search_entry",
                "indexes": [
                    models.Index(
                        condition=models.Q(("deleted", True)),
                        fields=["changed_at"],
                        name="searchentry_tombstones",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "kind", "entity_id"), name="searchentry_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("version__gte", 1)), name="searchentry_counts_from_one"
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="searchgeneration",
            index=models.Index(
                condition=models.Q(("state", "live")),
                fields=["checked_at"],
                name="searchgeneration_to_check",
            ),
        ),
        migrations.AddIndex(
            model_name="searchgeneration",
            index=models.Index(
                condition=models.Q(
                    ("removed_at__isnull", True), ("state__in", ["retired", "dropped"])
                ),
                fields=["drop_at"],
                name="searchgeneration_to_drop",
            ),
        ),
        migrations.AddConstraint(
            model_name="searchgeneration",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "live")),
                fields=("organization",),
                name="searchgeneration_one_is_live",
            ),
        ),
        migrations.AddConstraint(
            model_name="searchgeneration",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "building")),
                fields=("organization",),
                name="searchgeneration_one_is_built",
            ),
        ),
        migrations.AddConstraint(
            model_name="searchdocument",
            constraint=models.UniqueConstraint(
                fields=("organization", "generation", "kind", "entity_id"),
                name="searchdocument_once",
            ),
        ),
        migrations.AddIndex(
            model_name="searchdocument",
            index=models.Index(
                fields=["generation", "kind", "entity_id"], name="searchdocument_in_order"
            ),
        ),
        tenancy.rls.TenantTable("searchentry", engine="SELECT, DELETE"),
        tenancy.rls.TenantTable("searchgeneration", engine="SELECT, UPDATE"),
        tenancy.rls.TenantTable("searchdocument", engine="SELECT, DELETE"),
        migrations.RunSQL(WORDS, "DROP INDEX search_document_words"),
    ]
