"""Invitations, members who can be deactivated, and a limit of seats."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now

from tenancy.rls import TenantTable

ORGANIZATIONS_OF = """
-- Only its owner may replace it, who for that needs to create in the schema (0002 says why).
GRANT CREATE ON SCHEMA public TO operator;
SET LOCAL ROLE operator;
CREATE OR REPLACE FUNCTION organizations_of(person bigint)
    RETURNS TABLE (organization_id bigint, role text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$ SELECT m.organization_id, m.role FROM public.tenancy_membership m WHERE m.user_id = person{only} $$;
RESET ROLE;
REVOKE CREATE ON SCHEMA public FROM operator;
"""

ROLES = [("owner", "Owner"), ("admin", "Admin"), ("editor", "Editor"), ("viewer", "Viewer")]
STATES = [(state, state.capitalize()) for state in ("pending", "accepted", "revoked", "expired")]


class Migration(migrations.Migration):
    dependencies = [
        ("tenancy", "0003_one_index_less"),
    ]

    operations = [
        migrations.AddField(
            model_name="organization",
            name="seat_limit",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Active members and open invitations; empty for no limit.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="membership",
            name="deactivated_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("email", models.EmailField(max_length=254, verbose_name="mail address")),
                ("name", models.CharField(blank=True, max_length=200)),
                ("role", models.CharField(choices=ROLES, default="viewer", max_length=16)),
                (
                    "state",
                    models.CharField(
                        choices=STATES, default="pending", editable=False, max_length=16
                    ),
                ),
                ("invited_by", models.CharField(editable=False, max_length=64)),
                ("token_seed", models.CharField(editable=False, max_length=64)),
                ("token_digest", models.CharField(editable=False, max_length=64)),
                ("created_at", models.DateTimeField(db_default=Now(), editable=False)),
                ("expires_at", models.DateTimeField(editable=False)),
                ("accepted_at", models.DateTimeField(editable=False, null=True)),
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
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "pending")),
                        fields=("organization", "email"),
                        name="invitation_pending_once",
                    ),
                    models.UniqueConstraint(
                        fields=("organization", "token_digest"), name="invitation_token_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("accepted_at__isnull", False), ("state", "accepted")),
                            models.Q(
                                models.Q(("state", "accepted"), _negated=True),
                                ("accepted_at", None),
                            ),
                            _connector="OR",
                        ),
                        name="invitation_accepted_at_if_accepted",
                    ),
                ],
            },
        ),
        TenantTable("invitation"),
        migrations.RunSQL(
            ORGANIZATIONS_OF.format(only=" AND m.deactivated_at IS NULL"),
            ORGANIZATIONS_OF.format(only=""),
        ),
    ]
