"""The tables of templates and their versions, fenced, and versions that nobody can rewrite."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import tenancy.rls

IMMUTABLE = """
REVOKE UPDATE, DELETE, TRUNCATE ON templates_templateversion FROM app, operator;
GRANT UPDATE (state, published_at) ON templates_templateversion TO app, operator;
"""
MUTABLE = "GRANT UPDATE, DELETE ON templates_templateversion TO app, operator;"


class Migration(migrations.Migration):
    """Both tables."""

    initial = True

    dependencies = [
        ("tenancy", "0002_isolation"),
    ]

    operations = [
        migrations.CreateModel(
            name="NotificationTemplate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("event_type", models.CharField(max_length=64)),
                (
                    "channel",
                    models.CharField(
                        choices=[("mail", "mail"), ("webhook", "webhook")], max_length=16
                    ),
                ),
                ("locale", models.CharField(blank=True, default="", max_length=16)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenancy.organization",
                    ),
                ),
            ],
            options={
                "ordering": ("event_type", "channel", "locale"),
            },
        ),
        migrations.CreateModel(
            name="TemplateVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("sources", models.JSONField()),
                ("author_id", models.CharField(max_length=64)),
                ("note", models.CharField(blank=True, max_length=300)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("published", "Published"),
                            ("retired", "Retired"),
                        ],
                        default="draft",
                        max_length=16,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("published_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenancy.organization",
                    ),
                ),
                (
                    "template",
                    tenancy.rls.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="versions",
                        to="templates.notificationtemplate",
                    ),
                ),
            ],
            options={
                "ordering": ("-number",),
            },
        ),
        migrations.AddConstraint(
            model_name="notificationtemplate",
            constraint=models.UniqueConstraint(
                fields=("organization", "event_type", "channel", "locale"),
                name="notificationtemplate_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="templateversion",
            constraint=models.UniqueConstraint(
                fields=("organization", "template", "number"), name="templateversion_number_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="templateversion",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "published")),
                fields=("organization", "template"),
                name="templateversion_one_published",
            ),
        ),
        migrations.AddConstraint(
            model_name="templateversion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("published_at", None), ("state", "draft")),
                    models.Q(
                        ("published_at__isnull", False), ("state__in", ["published", "retired"])
                    ),
                    _connector="OR",
                ),
                name="templateversion_published_has_its_time",
            ),
        ),
        tenancy.rls.TenantTable("notificationtemplate"),
        tenancy.rls.TenantTable("templateversion"),
        migrations.RunSQL(IMMUTABLE, MUTABLE),
    ]
