"""Breakers, and which one a held job waits for."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from tenancy.rls import TenantTable


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0008_alerts"),
        ("tenancy", "0003_one_index_less"),
    ]

    operations = [
        migrations.CreateModel(
            name="Breaker",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("job_type", models.CharField(max_length=64)),
                ("destination", models.CharField(blank=True, default="", max_length=200)),
                ("failures", models.IntegerField(default=0)),
                ("openings", models.IntegerField(default=0)),
                ("open_until", models.DateTimeField(null=True)),
                ("probe_job_id", models.UUIDField(null=True)),
                ("probe_until", models.DateTimeField(null=True)),
                ("pace", models.IntegerField(default=1)),
                (
                    "failing_since",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "failed_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "stepped_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "ordering": ("-pk",),
            },
        ),
        migrations.AddField(
            model_name="job",
            name="breaker_id",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AlterField(
            model_name="job",
            name="hold",
            field=models.CharField(
                choices=[
                    ("organization_suspended", "Organization Suspended"),
                    ("draining", "Draining"),
                    ("capacity", "Capacity"),
                    ("breaker", "Breaker"),
                ],
                max_length=32,
                null=True,
            ),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("hold", "breaker")),
                fields=["organization", "breaker_id", "id"],
                name="job_behind_breaker",
            ),
        ),
        migrations.AddField(
            model_name="breaker",
            name="organization",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="tenancy.organization",
            ),
        ),
        migrations.AddConstraint(
            model_name="breaker",
            constraint=models.UniqueConstraint(
                fields=("organization", "job_type", "destination"), name="breaker_once"
            ),
        ),
        TenantTable("breaker", engine="SELECT, UPDATE, DELETE"),
    ]
