"""Who sees which rows, asked of PostgreSQL without any filter of ours."""

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.db.models import Model

from tenancy import changes
from tenancy.errors import NoScope, ScopeWidened
from tenancy.models import Organization, Project
from tenancy.scope import (
    current_scope,
    engine_scope,
    only_organization,
    operator_scope,
    scope,
)
from tests import factories
from tests.integration.tenancy.conftest import Seen


def test_a_scope_shows_its_organization_only(a: Organization, b: Organization, seen: Seen) -> None:
    with scope(a):
        assert seen() == {a.pk}


def test_a_scope_of_several_shows_these(a: Organization, b: Organization, seen: Seen) -> None:
    factories.project()

    with scope([a, b.pk]):
        assert seen() == {a.pk, b.pk}


def test_a_scope_of_none_shows_nothing(a: Organization, seen: Seen) -> None:
    with scope([]):
        assert seen() == set()


def test_no_scope_shows_nothing_to_raw_sql(a: Organization, seen: Seen) -> None:
    assert seen() == set()


def test_after_a_scope_its_rows_are_gone(a: Organization, seen: Seen) -> None:
    with scope(a):
        pass

    assert seen() == set()
    assert current_scope() is None


def test_an_inner_scope_narrows_and_the_outer_one_returns(
    a: Organization, b: Organization, seen: Seen
) -> None:
    with scope([a, b]):
        with scope(b):
            assert seen() == {b.pk}
        assert seen() == {a.pk, b.pk}


def test_an_inner_scope_that_asks_for_more_is_refused(
    a: Organization, b: Organization, seen: Seen
) -> None:
    with scope(a):
        with pytest.raises(ScopeWidened), scope([a, b]):
            pass
        with pytest.raises(ScopeWidened), scope(b):
            pass
        with pytest.raises(ScopeWidened), operator_scope("to see more"):
            pass
        assert seen() == {a.pk}


def test_an_operator_sees_all_and_narrows_for_good(
    a: Organization, b: Organization, seen: Seen
) -> None:
    with operator_scope("a look"):
        assert seen() >= {a.pk, b.pk}
        with scope(a):
            assert seen() == {a.pk}
            with pytest.raises(ScopeWidened), operator_scope("again"):
                pass
        assert seen() >= {a.pk, b.pk}


def test_roles_inside_roles_return_to_the_one_around_them(a: Organization, seen: Seen) -> None:
    def role() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            return str(cursor.fetchone()[0])

    with operator_scope("a look"):
        with engine_scope():
            assert role() == "engine"
            with pytest.raises(ScopeWidened), scope(a):
                pass
        assert role() == "operator"
        with scope(a), engine_scope():
            assert role() == "engine"
        assert role() == "operator"
    assert role() == "app"


def test_an_error_inside_a_scope_restores_the_outer_one(
    a: Organization, b: Organization, seen: Seen
) -> None:
    with scope([a, b]):
        with pytest.raises(ZeroDivisionError), scope(a):
            _ = 1 / 0
        assert seen() == {a.pk, b.pk}


def test_a_failed_statement_in_a_scope_restores_the_outer_one(
    a: Organization, b: Organization, seen: Seen
) -> None:
    with scope([a, b]):
        with pytest.raises(IntegrityError), transaction.atomic(), scope(a):
            changes.create_many([Project(organization=a, code="same", name="x") for _ in "12"])
        assert seen() == {a.pk, b.pk}


def test_a_savepoint_does_not_bring_back_the_scope_of_its_time(
    a: Organization, b: Organization, seen: Seen
) -> None:
    with operator_scope("a look"):
        wide = transaction.savepoint_create()
        with scope(a):
            transaction.savepoint_rollback(wide)
            assert seen() == {a.pk}


def test_a_scope_that_ended_does_not_come_back_with_a_savepoint(
    a: Organization, seen: Seen
) -> None:
    with scope(a):
        inside = transaction.savepoint_create()

    transaction.savepoint_rollback(inside)

    assert seen() == set()


def test_a_scope_entered_in_a_failed_transaction_counts_after_its_rollback(
    a: Organization, b: Organization, seen: Seen
) -> None:
    with scope([a, b]), transaction.atomic():
        before = transaction.savepoint_create()
        with pytest.raises(Exception, match="division"), connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")
        with scope(b):
            transaction.savepoint_rollback(before)
            assert seen() == {b.pk}


def test_only_an_organization_or_its_id_names_one(a: Organization) -> None:
    mission = factories.mission(factories.project(a))

    for other in (mission, str(a.pk), True, None, Organization(name="not saved")):
        with pytest.raises(TypeError):
            scope(other).__enter__()  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            scope([other]).__enter__()  # type: ignore[list-item]


def test_the_only_organization_is_that_of_a_scope_of_one(a: Organization, b: Organization) -> None:
    with scope(a):
        assert only_organization() == a.pk
    with scope([a, b]), pytest.raises(NoScope):
        only_organization()
    with pytest.raises(NoScope):
        only_organization()


def test_the_engine_has_no_right_on_domain_tables(a: Organization) -> None:
    domain: list[type[Model]] = [
        model
        for model in type(a)._meta.apps.get_models()
        if getattr(model, "is_tenant", False)
        and model._meta.app_label == "tenancy"
        and model is not Organization
    ]

    for model in domain:
        refused = pytest.raises(ProgrammingError, match="permission denied")
        with refused, transaction.atomic(), engine_scope():
            model._base_manager.exists()


@pytest.mark.django_db(transaction=True)
def test_a_scope_around_a_transaction_is_its_first_statement(seen: Seen) -> None:
    one = factories.project().organization

    with scope(one), transaction.atomic():
        assert seen() == {one.pk}


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_a_scope_shows_nothing(seen: Seen) -> None:
    one = factories.project().organization

    with scope(one):
        assert seen() == set()
        with pytest.raises(NoScope, match="outside a transaction"):
            Project.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_transaction_without_a_scope_takes_one_later(seen: Seen) -> None:
    one = factories.project().organization

    with transaction.atomic():
        assert seen() == set()
        with scope(one):
            assert seen() == {one.pk}
        assert seen() == set()


@pytest.mark.django_db(transaction=True)
def test_a_commit_hook_runs_in_the_scope_of_its_commit() -> None:
    one = factories.project().organization
    found: list[int] = []

    def look() -> None:
        with transaction.atomic():
            found.extend(Project.objects.values_list("organization_id", flat=True))

    with scope(one), transaction.atomic():
        transaction.on_commit(look)

    assert set(found) == {one.pk}
