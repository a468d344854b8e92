"""Exports: what was asked for, and the file that came of it."""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.uuid
from django.db import migrations, models

from tenancy.rls import TenantTable


class Migration(migrations.Migration):
    """Make and fence the table."""

    dependencies = [
        ("jobs", "0011_imports"),
        ("tenancy", "0003_one_index_less"),
    ]

    operations = [
        migrations.CreateModel(
            name="Export",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=django.db.models.functions.uuid.UUID7(),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("timeline", "Timeline"), ("roster", "Roster")], max_length=16
                    ),
                ),
                ("format", models.CharField(max_length=16)),
                ("fields", models.JSONField(default=list)),
                ("filters", models.JSONField(default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("completed", "Completed"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                            ("expired", "Expired"),
                        ],
                        default="queued",
                        max_length=16,
                    ),
                ),
                ("error", models.CharField(blank=True, default="", max_length=64)),
                ("total", models.BigIntegerField(null=True)),
                ("rows", models.BigIntegerField(default=0)),
                ("bytes", models.BigIntegerField(default=0)),
                ("sha256", models.CharField(blank=True, default="", max_length=64)),
                ("file_name", models.CharField(blank=True, default="", max_length=150)),
                ("object_key", models.CharField(blank=True, default="", max_length=200)),
                ("manifest", models.JSONField(null=True)),
                ("job_id", models.UUIDField(null=True)),
                ("actor_id", models.CharField(max_length=64)),
                ("correlation_id", models.CharField(max_length=128)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("cancel_requested_at", models.DateTimeField(null=True)),
                ("snapshot_at", models.DateTimeField(null=True)),
                ("progress_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField(null=True)),
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
                "ordering": ("-id",),
                "indexes": [
                    models.Index(
                        condition=models.Q(
                            models.Q(("object_key", ""), _negated=True),
                            models.Q(("state__in", ["queued", "running"]), _negated=True),
                        ),
                        fields=["expires_at"],
                        name="export_to_remove",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("finished_at__isnull", True), ("state__in", ["queued", "running"])
                            ),
                            models.Q(
                                models.Q(("state__in", ["queued", "running"]), _negated=True),
                                ("finished_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="export_is_over_exactly_when_finished",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "completed"), _negated=True),
                            models.Q(
                                models.Q(("object_key", ""), _negated=True),
                                models.Q(("sha256", ""), _negated=True),
                                ("expires_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="export_completed_has_a_file",
                    ),
                ],
            },
        ),
        TenantTable("export", engine="SELECT, UPDATE (state, object_key)"),
    ]
