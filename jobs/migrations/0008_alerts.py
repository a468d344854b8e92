"""Counts of each minute, and alerts."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models
from django.db.models import Q

from tenancy.rls import TenantTable

# For the counts of the last minute. BRIN, because a B-tree would end the HOT updates of every
# settle (measured: 60 of 60 updates of ended_at are HOT with BRIN, none with a B-tree), and what is
# asked for lies in the pages written last. By hand: Django's BrinIndex wants another app installed.
ATTEMPT_ENDED = """
CREATE INDEX attempt_ended ON jobs_attempt USING brin (ended_at)
    WITH (pages_per_range = 16, autosummarize = on)
"""


class Migration(migrations.Migration):
    """Make and fence the tables."""

    dependencies = [("jobs", "0007_running_cancel"), ("tenancy", "0002_isolation")]

    operations = [
        migrations.CreateModel(
            name="Alert",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenancy.organization",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("queue_grows", "Queue grows"),
                            ("jobs_fail", "Jobs fail"),
                            ("oldest_too_old", "Oldest job too old"),
                            ("no_worker", "No worker"),
                            ("relay_behind", "Relay behind"),
                        ],
                        max_length=32,
                    ),
                ),
                ("queue_group", models.CharField(blank=True, default="", max_length=32)),
                (
                    "state",
                    models.CharField(
                        choices=[("pending", "Pending"), ("open", "Open"), ("closed", "Closed")],
                        max_length=16,
                    ),
                ),
                ("minutes", models.IntegerField(default=0)),
                ("is_quiet", models.BooleanField(default=False)),
                ("value", models.FloatField()),
                (
                    "began_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("opened_at", models.DateTimeField(null=True)),
                ("closed_at", models.DateTimeField(null=True)),
                ("told", models.JSONField(default=dict)),
                ("tell_at", models.DateTimeField(null=True)),
                ("tell_failures", models.IntegerField(default=0)),
                ("tell_error", models.TextField(blank=True, default="")),
            ],
            options={
                "ordering": ("-id",),
                "indexes": [
                    models.Index(fields=["state", "-id"], name="alert_by_state"),
                    models.Index(
                        condition=Q(tell_at__isnull=False), fields=["tell_at"], name="alert_to_tell"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=~Q(state="closed"),
                        fields=("organization", "kind", "queue_group"),
                        name="alert_live_once",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=Q(state="pending", opened_at=None)
                        | Q(state__in=["open", "closed"], opened_at__isnull=False),
                        name="alert_is_opened_unless_pending",
                    ),
                    models.CheckConstraint(
                        condition=Q(state="closed", closed_at__isnull=False)
                        | (~Q(state="closed") & Q(closed_at=None)),
                        name="alert_is_closed_exactly_when_closed_at",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="MinuteCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenancy.organization",
                    ),
                ),
                ("queue_group", models.CharField(max_length=32)),
                ("minute", models.DateTimeField(help_text="Its beginning.")),
                ("depth", models.IntegerField(default=0)),
                ("oldest_seconds", models.FloatField(default=0)),
                ("attempts", models.IntegerField(default=0)),
                ("failed", models.IntegerField(default=0)),
                ("succeeded", models.IntegerField(default=0)),
                ("retried", models.IntegerField(default=0)),
                ("dead", models.IntegerField(default=0)),
            ],
            options={
                "indexes": [models.Index(fields=["minute"], name="minutecount_by_minute")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "queue_group", "minute"),
                        name="minutecount_once",
                        nulls_distinct=False,
                    ),
                ],
            },
        ),
        TenantTable("alert", engine="SELECT, INSERT, UPDATE, DELETE"),
        TenantTable("minutecount", engine="SELECT, INSERT, DELETE"),
        migrations.RunSQL(ATTEMPT_ENDED, "DROP INDEX attempt_ended"),
    ]
