"""What a thread and a connection remember of whom they served: nothing."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier
from typing import Any

import pytest
from django.conf import settings
from django.db import DataError, OperationalError, connection, transaction

from jobsite import addresses
from tenancy.models import Organization, Project
from tenancy.postgresql.base import DatabaseWrapper
from tenancy.scope import current_scope, engine_scope, operator_scope, scope
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

MEMORY = """SELECT current_user, coalesce(current_setting('app.organizations', true), '')"""


def memory(of: Any = connection) -> tuple[str, str]:
    with of.cursor() as cursor:
        cursor.execute(MEMORY)
        user, organizations = cursor.fetchone()
        return user, organizations


def in_thread(function: Any, *arguments: Any) -> Any:
    def run() -> Any:
        try:
            return function(*arguments)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


@pytest.fixture
def pooled() -> Iterator[DatabaseWrapper]:
    """A connection as the web process has it: from a pool, here of one."""
    options = addresses.database(settings.DATABASE_URL, engine="tenancy.postgresql", pool_size=1)
    wrapper = DatabaseWrapper(connection.settings_dict | options, alias="pooled")
    yield wrapper
    wrapper.close()
    wrapper.close_pool()


def test_a_thread_begins_without_a_scope() -> None:
    with scope(factories.organization()):
        assert in_thread(current_scope) is None


def test_threads_see_each_their_own() -> None:
    pair = [factories.project().organization for _ in "ab"]
    together = Barrier(2)

    def look(organization: Organization) -> set[int]:
        try:
            with scope(organization), transaction.atomic():
                together.wait(10)
                found = set(Project.objects.values_list("organization_id", flat=True))
                together.wait(10)
                return found
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(look, pair))

    assert found == [{one.pk} for one in pair]


@pytest.mark.parametrize("ending", ["commit", "rollback", "error", "failed statement"])
def test_a_connection_remembers_nothing_after_a_transaction(ending: str) -> None:
    organization = factories.organization()

    with (
        suppress(ZeroDivisionError, DataError),
        scope(organization),
        transaction.atomic(),
    ):
        assert memory() == ("app", str(organization.pk))
        transaction.set_rollback(ending == "rollback")
        if ending == "error":
            raise ZeroDivisionError
        if ending == "failed statement":
            connection.cursor().execute("SELECT 1 / 0")

    assert memory() == ("app", "")


def test_a_connection_leaves_the_roles_with_the_transaction() -> None:
    with operator_scope("a look"), transaction.atomic():
        assert memory()[0] == "operator"
    assert memory() == ("app", "")
    with engine_scope(), transaction.atomic():
        assert memory()[0] == "engine"
    assert memory() == ("app", "")


def test_the_next_borrower_of_a_pooled_connection_finds_nothing(pooled: DatabaseWrapper) -> None:
    with pooled.cursor() as cursor:
        cursor.execute("SET app.organizations = '1,2,3'")
        cursor.execute("SET ROLE operator")
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()
    pooled.close()

    with pooled.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        assert cursor.fetchone() == backend
    assert memory(pooled) == ("app", "")


def test_a_pooled_connection_says_the_scope_of_each_borrower(pooled: DatabaseWrapper) -> None:
    for organization in [factories.organization() for _ in "ab"]:
        with scope(organization):
            pooled.set_autocommit(False)
            assert memory(pooled) == ("app", str(organization.pk))
        pooled.close()
        assert memory(pooled) == ("app", "")


def test_a_connection_that_died_is_an_error_of_django_and_is_replaced() -> None:
    organization = factories.project().organization
    _terminate(connection)

    with pytest.raises(OperationalError), scope(organization), transaction.atomic():
        Project.objects.count()

    with scope(organization), transaction.atomic():
        assert Project.objects.count() == 1


def test_a_connection_that_dies_in_a_scope_keeps_the_error_that_told() -> None:
    organization = factories.organization()

    with (  # noqa: PT012 - it must die inside the scope
        pytest.raises(OperationalError),
        transaction.atomic(),
        scope(organization),
    ):
        _terminate(connection)
        Project.objects.count()

    assert memory() == ("app", "")


def _terminate(of: Any) -> None:
    with of.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()

    def kill() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])

    in_thread(kill)
