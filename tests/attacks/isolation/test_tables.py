"""A walk over all tables: none that belongs to an organization was left outside the fence.

Models are walked, and PostgreSQL's catalogue as well: a partition, or a table that some SQL of a
migration made, has no model.
"""

from typing import Any

import pytest
from django.apps import apps
from django.db import models

from tenancy.models import Organization
from tenancy.rls import ORGANIZATIONS, TenantForeignKey, organization_column
from tests.attacks.isolation.catalog import ENTITIES, TENANT_MODELS, ask, label, names

pytestmark = pytest.mark.django_db

OF_NO_ORGANIZATION = {
    "auth_group",
    "auth_group_permissions",
    "auth_permission",
    "axes_accessattempt",
    "axes_accessattemptexpiration",
    "axes_accessfailurelog",
    "axes_accesslog",
    "django_admin_log",
    "django_content_type",
    "django_dramatiq_task",
    "django_migrations",
    "django_session",
    "jobs_worker",
    "tenancy_user",
    "tenancy_user_groups",
    "tenancy_user_user_permissions",
}
"""Tables of the whole site, each looked at: no column of theirs tells of an organization's work."""

GLOBAL_KEYS = {"organization_slug", "tenancy_organization_slug_key"}
"""Unique over all organizations on purpose."""


def test_every_table_of_an_organization_has_row_security_forced() -> None:
    found = ask("""
        SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE a.attname = 'organization_id' AND NOT a.attisdropped
          AND c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'f')
          AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
    """)
    assert names(found) == set()


@pytest.mark.parametrize("model", TENANT_MODELS, ids=label)
def test_every_tenant_model_has_its_policies(model: type[models.Model]) -> None:
    found = ask(
        """SELECT roles::text, cmd, permissive, qual, with_check FROM pg_policies
           WHERE schemaname = 'public' AND tablename = %s""",
        [model._meta.db_table],
    )

    policies = {role.strip("{}"): rest for role, *rest in found}
    assert {"app", "operator", "owner"} <= policies.keys() <= {"app", "operator", "owner", "engine"}
    assert len(policies) == len(found)
    for role, (command, permissive, using, with_check) in policies.items():
        assert (command, permissive) == ("ALL", "PERMISSIVE")
        for condition in (using, with_check):
            if role != "app":
                assert condition == "true"
            else:
                assert condition.startswith(f"({organization_column(model)} = ANY (")
                assert "app.organizations" in condition
        # Read once a statement, not once a row that is written.
        assert role != "app" or "( SELECT " in with_check


@pytest.mark.parametrize("model", TENANT_MODELS, ids=label)
def test_every_tenant_model_is_forced(model: type[models.Model]) -> None:
    found = ask(
        "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = %s::regclass",
        [model._meta.db_table],
    )
    assert found == [(True, True)]


def test_every_model_with_an_organization_is_fenced() -> None:
    suspicious = {
        model._meta.label
        for model in apps.get_models(include_auto_created=True)
        if model not in TENANT_MODELS
        and any(
            field.related_model in TENANT_MODELS or field.name.startswith("organization")
            for field in model._meta.get_fields()
            if isinstance(field, models.Field)
        )
    }
    assert suspicious == set()


def test_every_other_table_is_known_to_belong_to_nobody() -> None:
    tables = names(ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
    fenced = names(
        ask("""SELECT relname FROM pg_class
               WHERE relnamespace = 'public'::regnamespace AND relforcerowsecurity""")
    )

    assert tables - fenced <= OF_NO_ORGANIZATION


def test_no_view_shows_a_table_with_the_rights_of_its_owner() -> None:
    found = ask("""
        SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
          AND (relkind = 'm' OR relkind = 'v'
               AND NOT coalesce('security_invoker=true' = ANY (reloptions), false))
    """)
    assert names(found) == set()


def _references() -> list[tuple[type[models.Model], models.ForeignKey[Any, Any]]]:
    return [
        (model, field)
        for model in TENANT_MODELS
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey)
        and field.related_model in TENANT_MODELS
        and field.related_model is not Organization
    ]


@pytest.mark.parametrize(
    ("model", "field"), _references(), ids=lambda one: getattr(one, "name", None) or label(one)
)
def test_every_reference_between_tenant_tables_is_composite(
    model: type[models.Model], field: models.ForeignKey[Any, Any]
) -> None:
    parent: Any = field.related_model

    assert isinstance(field, TenantForeignKey)
    assert _foreign_keys(model, field.column) == [
        (["organization_id", field.column], ["organization_id", parent._meta.pk.column], False)
    ]


def _foreign_keys(model: type[models.Model], column: str) -> list[tuple[Any, ...]]:
    """Of the foreign keys with this column: their columns, those they name, if they can wait."""
    return ask(
        """
        SELECT array(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS k(number, place)
                     JOIN pg_attribute ON attrelid = conrelid AND attnum = k.number
                     ORDER BY place),
               array(SELECT attname::text FROM unnest(confkey) WITH ORDINALITY AS k(number, place)
                     JOIN pg_attribute ON attrelid = confrelid AND attnum = k.number
                     ORDER BY place),
               condeferrable
        FROM pg_constraint
        WHERE contype = 'f' AND conrelid = %s::regclass AND EXISTS (
            SELECT FROM pg_attribute
            WHERE attrelid = conrelid AND attnum = ANY (conkey) AND attname = %s)
        """,
        [model._meta.db_table, column],
    )


def test_every_unique_key_begins_with_the_organization() -> None:
    found = ask("""
        SELECT i.indexrelid::regclass::text FROM pg_index i
        JOIN pg_class c ON c.oid = i.indrelid
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
        WHERE i.indisunique AND NOT i.indisprimary AND c.relforcerowsecurity
          AND a.attname <> 'organization_id'
    """)
    assert names(found) - GLOBAL_KEYS == set()


def test_no_primary_key_is_chosen_by_people() -> None:
    """One that people choose would tell by its refusal what others have."""
    for model in TENANT_MODELS:
        key: Any = model._meta.pk
        counted = isinstance(key, models.AutoField | models.BigAutoField)
        assert counted or key.has_db_default() or callable(key.default)


def test_no_relation_of_many_to_many_hides_a_table_without_a_fence() -> None:
    for model in TENANT_MODELS:
        assert model._meta.many_to_many == ()


def test_no_cascade_changes_an_entity_behind_the_door() -> None:
    """SET_NULL, SET_DEFAULT and SET write where `tenancy.changes` does not look."""
    for model in ENTITIES:
        for field in model._meta.get_fields():
            if isinstance(field, models.ForeignKey) and field.related_model in TENANT_MODELS:
                assert field.remote_field.on_delete in (
                    models.CASCADE,
                    models.PROTECT,
                    models.RESTRICT,
                    models.DO_NOTHING,
                )


def test_the_policy_asks_for_the_organizations_of_the_scope() -> None:
    """A changed wording would pass the walk above only if it still names the setting."""
    assert "current_setting('app.organizations', true)" in ORGANIZATIONS
    assert "nullif" in ORGANIZATIONS
