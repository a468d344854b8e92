"""Imports: the files, what is wrong with them, what they changed."""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.uuid
from django.db import migrations, models

import jobs.families.transfers.models
import tenancy.rls
from tenancy.rls import TenantTable


class Migration(migrations.Migration):
    """Make and fence the tables."""

    dependencies = [
        ("jobs", "0010_lighter_writes"),
        ("tenancy", "0003_one_index_less"),
    ]

    operations = [
        migrations.CreateModel(
            name="Import",
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
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("uploaded", "Uploaded"),
                            ("checked", "Checked"),
                            ("mapped", "Mapped"),
                            ("validated", "Validated"),
                            ("approved", "Approved"),
                            ("committing", "Committing"),
                            ("completed", "Completed"),
                            ("rejected", "Rejected"),
                            ("stopped", "Stopped"),
                            ("cancelled", "Cancelled"),
                            ("undoing", "Undoing"),
                            ("undone", "Undone"),
                        ],
                        default="uploaded",
                        max_length=16,
                    ),
                ),
                ("reason", models.CharField(blank=True, default="", max_length=64)),
                ("problem", models.JSONField(null=True)),
                ("stopped_in", models.CharField(blank=True, default="", max_length=16)),
                ("file_name", models.CharField(max_length=300)),
                ("file_bytes", models.BigIntegerField()),
                ("file_sha256", models.CharField(max_length=64)),
                ("idempotency_key", models.CharField(blank=True, default="", max_length=128)),
                ("same_as", models.UUIDField(null=True)),
                ("survey", models.JSONField(null=True)),
                ("choices", models.JSONField(default=dict)),
                ("choices_version", models.IntegerField(default=1)),
                ("approve_when_valid", models.BooleanField(default=False)),
                ("plan", models.JSONField(null=True)),
                ("issue_counts", models.JSONField(default=list)),
                ("done", models.JSONField(default=dict)),
                ("undo", models.JSONField(null=True)),
                ("reports", models.JSONField(default=dict)),
                ("checkpoint_row", models.BigIntegerField(default=0)),
                ("checkpoint_chunk", models.IntegerField(default=0)),
                ("undo_checkpoint", models.IntegerField(null=True)),
                ("progress", models.JSONField(default=dict)),
                ("turn", models.IntegerField(default=0)),
                ("job_id", models.UUIDField(null=True)),
                ("actor_id", models.CharField(max_length=64)),
                ("approved_by", models.CharField(blank=True, default="", max_length=64)),
                ("correlation_id", models.CharField(max_length=128)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("approved_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("completed_at", models.DateTimeField(null=True)),
                ("upload_removed_at", models.DateTimeField(null=True)),
                ("reports_removed_at", models.DateTimeField(null=True)),
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
            },
        ),
        migrations.CreateModel(
            name="ImportChunk",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_undo", models.BooleanField(default=False)),
                ("number", models.IntegerField()),
                ("first_row", models.BigIntegerField()),
                ("last_row", models.BigIntegerField()),
                ("added", models.IntegerField()),
                ("changed", models.IntegerField()),
                ("unchanged", models.IntegerField()),
                ("removed", models.IntegerField()),
                ("failed", models.IntegerField()),
                ("added_ids", jobs.families.transfers.models.BigIntegers(default=list)),
                ("added_rows", jobs.families.transfers.models.BigIntegers(default=list)),
                ("added_digests", models.BinaryField(default=bytes)),
                ("first_added_id", models.BigIntegerField(null=True)),
                ("last_added_id", models.BigIntegerField(null=True)),
                ("changes_sha256", models.CharField(max_length=64)),
                ("job_id", models.UUIDField()),
                (
                    "committed_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "of_import",
                    tenancy.rls.TenantForeignKey(
                        db_column="import_id",
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="chunks",
                        to="jobs.import",
                    ),
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
                "ordering": ("number",),
            },
        ),
        migrations.CreateModel(
            name="JournalChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("import_id", models.UUIDField()),
                ("chunk", models.IntegerField()),
                ("row", models.BigIntegerField(null=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[("changed", "Changed"), ("removed", "Removed")], max_length=8
                    ),
                ),
                ("entity_id", models.BigIntegerField()),
                ("before", models.JSONField()),
                ("digest_after", models.BinaryField(null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenancy.organization",
                    ),
                ),
            ],
            options={
                "ordering": ("id",),
            },
        ),
        migrations.CreateModel(
            name="RowIssue",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "level",
                    models.CharField(
                        choices=[("file", "File"), ("row", "Row"), ("warn", "Warn")], max_length=8
                    ),
                ),
                ("code", models.CharField(max_length=64)),
                ("message", models.TextField()),
                ("row", models.BigIntegerField()),
                ("line", models.BigIntegerField(null=True)),
                ("column", models.TextField(null=True)),
                ("letter", models.CharField(max_length=8, null=True)),
                ("field", models.CharField(max_length=64, null=True)),
                ("value", models.TextField(null=True)),
                ("detail", models.JSONField(default=dict)),
                (
                    "of_import",
                    tenancy.rls.TenantForeignKey(
                        db_column="import_id",
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="issues",
                        to="jobs.import",
                    ),
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
                "ordering": ("row", "id"),
            },
        ),
        migrations.CreateModel(
            name="SavedMapping",
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
                        choices=[("timeline", "Timeline"), ("roster", "Roster")], max_length=16
                    ),
                ),
                ("fingerprint", models.CharField(max_length=64)),
                ("choices", models.JSONField()),
                ("actor_id", models.CharField(max_length=64)),
                (
                    "saved_at",
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
        ),
        migrations.AddIndex(
            model_name="import",
            index=models.Index(fields=["organization", "state", "-id"], name="import_by_state"),
        ),
        migrations.AddIndex(
            model_name="import",
            index=models.Index(fields=["organization", "file_sha256"], name="import_of_bytes"),
        ),
        migrations.AddIndex(
            model_name="import",
            index=models.Index(
                condition=models.Q(("upload_removed_at__isnull", True)),
                fields=["created_at"],
                name="import_with_upload",
            ),
        ),
        migrations.AddIndex(
            model_name="import",
            index=models.Index(
                condition=models.Q(
                    ("finished_at__isnull", False), ("reports_removed_at__isnull", True)
                ),
                fields=["finished_at"],
                name="import_with_reports",
            ),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.UniqueConstraint(
                condition=models.Q(("idempotency_key", ""), _negated=True),
                fields=("organization", "idempotency_key"),
                name="import_once_per_key",
            ),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ("committing", "undoing"))),
                fields=("organization", "kind"),
                name="import_writes_one_at_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("finished_at__isnull", False),
                        ("state__in", ("completed", "rejected", "stopped", "cancelled", "undone")),
                    ),
                    models.Q(
                        models.Q(
                            (
                                "state__in",
                                ("completed", "rejected", "stopped", "cancelled", "undone"),
                            ),
                            _negated=True,
                        ),
                        ("finished_at__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="import_is_at_rest_exactly_when_finished",
            ),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ["rejected", "stopped"]), _negated=True),
                    models.Q(("reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="import_refused_has_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.CheckConstraint(
                condition=models.Q(("state", "stopped"), ("stopped_in", ""), _connector="OR"),
                name="import_stopped_somewhere",
            ),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ["approved", "committing", "completed"]), _negated=True),
                    models.Q(("approved_at__isnull", True), ("approved_by", ""), _negated=True),
                    _connector="OR",
                ),
                name="import_is_committed_only_when_approved",
            ),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.CheckConstraint(
                condition=models.Q(("checkpoint_chunk__gte", 0), ("checkpoint_row__gte", 0)),
                name="import_checkpoint_is_a_place",
            ),
        ),
        migrations.AddIndex(
            model_name="importchunk",
            index=models.Index(
                condition=models.Q(("is_undo", False), ("last_added_id__isnull", False)),
                fields=["organization", "last_added_id", "first_added_id"],
                name="importchunk_that_added",
            ),
        ),
        migrations.AddConstraint(
            model_name="importchunk",
            constraint=models.UniqueConstraint(
                fields=("organization", "of_import", "is_undo", "number"), name="importchunk_once"
            ),
        ),
        migrations.AddIndex(
            model_name="journalchange",
            index=models.Index(
                fields=["organization", "entity_id", "-id"], name="journalchange_of_entity"
            ),
        ),
        migrations.AddConstraint(
            model_name="journalchange",
            constraint=models.UniqueConstraint(
                fields=("organization", "import_id", "chunk", "entity_id"),
                name="journalchange_once",
            ),
        ),
        migrations.AddIndex(
            model_name="rowissue",
            index=models.Index(
                fields=["organization", "of_import", "row", "id"], name="rowissue_in_order"
            ),
        ),
        migrations.AddIndex(
            model_name="rowissue",
            index=models.Index(
                fields=["organization", "of_import", "code", "row"], name="rowissue_by_code"
            ),
        ),
        migrations.AddConstraint(
            model_name="savedmapping",
            constraint=models.UniqueConstraint(
                fields=("organization", "kind", "fingerprint"), name="savedmapping_once"
            ),
        ),
        TenantTable("import", engine="SELECT, UPDATE (upload_removed_at, reports_removed_at)"),
        TenantTable("rowissue", engine="SELECT, DELETE"),
        TenantTable("importchunk", append_only=True),
        TenantTable("journalchange", append_only=True),
        TenantTable("savedmapping"),
    ]
