"""Every way to send a statement: none goes ahead of the scope, none keeps one that has ended."""

# ruff: noqa: PT012 - what raises is the end of the block

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction

from tenancy.models import Organization, Project
from tenancy.postgresql.flush import Statement, committed, flush
from tenancy.scope import scope
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

SQL = "SELECT DISTINCT organization_id FROM tenancy_project"
SEEN = Statement(name="tests.doors", sql=SQL)

type Look = Callable[[], set[int]]
type Door = Callable[[], Look]
"""Opened before the transaction begins; what it gives looks around in it."""


def a_cursor_of_its_own() -> Look:
    def look() -> set[int]:
        with connection.cursor() as cursor:
            return _found(cursor)

    return look


def an_older_cursor() -> Look:
    cursor = connection.cursor()
    return lambda: _found(cursor)


def an_older_cursor_of_psycopg() -> Look:
    cursor = _psycopg().cursor()
    return lambda: _found(cursor)


def the_connection_itself() -> Look:
    return lambda: {row[0] for row in _psycopg().execute(SQL)}


def many_at_once() -> Look:
    def look() -> set[int]:
        cursor = _psycopg().cursor()
        cursor.executemany(f"{SQL} WHERE id > %s", [(0,)], returning=True)
        return {row[0] for row in cursor.fetchall()}

    return look


def one_after_the_other() -> Look:
    return lambda: {row[0] for row in _psycopg().cursor().stream(SQL)}


def a_cursor_in_the_server() -> Look:
    return lambda: {row.organization_id for row in Project._base_manager.all().iterator()}


def an_older_cursor_in_the_server() -> Look:
    cursor = _psycopg().cursor("older")

    def look() -> set[int]:
        with cursor:
            return _found(cursor)

    return look


def copy() -> Look:
    def look() -> set[int]:
        with connection.cursor() as cursor, cursor.copy(f"COPY ({SQL}) TO STDOUT") as rows:
            return {int(row[0]) for row in rows.rows()}

    return look


def pipeline() -> Look:
    def look() -> set[int]:
        with _psycopg().pipeline():
            cursor = _psycopg().execute(SQL)
        return {row[0] for row in cursor.fetchall()}

    return look


def a_transaction_of_psycopg() -> Look:
    def look() -> set[int]:
        with _psycopg().transaction():
            return {row[0] for row in _psycopg().execute(SQL)}

    return look


def a_savepoint() -> Look:
    def look() -> set[int]:
        with transaction.atomic(), connection.cursor() as cursor:
            return _found(cursor)

    return look


def a_flush() -> Look:
    return lambda: {row["organization_id"] for row in flush(SEEN)["tests.doors"]}


def a_flush_that_commits() -> Look:
    return lambda: {row["organization_id"] for row in committed(SEEN)["tests.doors"]}


DOORS = [
    a_cursor_of_its_own,
    an_older_cursor,
    an_older_cursor_of_psycopg,
    the_connection_itself,
    many_at_once,
    one_after_the_other,
    a_cursor_in_the_server,
    an_older_cursor_in_the_server,
    copy,
    pipeline,
    a_transaction_of_psycopg,
    a_savepoint,
    a_flush,
    a_flush_that_commits,
]


@pytest.fixture
def one() -> Organization:
    return factories.project().organization


@pytest.fixture
def other() -> Organization:
    return factories.project().organization


@contextmanager
def by_hand() -> Iterator[None]:
    transaction.set_autocommit(False)
    try:
        yield
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("begun", [transaction.atomic, by_hand])
def test_the_first_statement_is_in_the_scope(
    one: Organization, other: Organization, door: Door, begun: Any
) -> None:
    if begun is by_hand and door is a_cursor_in_the_server:
        begun = transaction.atomic  # the ORM asks for it
    look = door()

    with scope([one, other]), begun(), scope(one):
        assert look() == {one.pk}


@pytest.mark.parametrize("door", DOORS)
def test_a_later_statement_is_in_no_scope_that_has_ended(
    one: Organization, other: Organization, door: Door
) -> None:
    look = door()

    with scope([one, other]), transaction.atomic():
        with scope(one):
            _psycopg().execute("SELECT 1")
        with scope(other):
            assert look() == {other.pk}


@pytest.mark.parametrize("begun", [transaction.atomic, by_hand])
def test_a_scope_that_ends_inside_a_transaction_is_gone(one: Organization, begun: Any) -> None:
    with begun():
        with scope(one):
            assert _seen() == {one.pk}
        assert _seen() == set()


def test_what_goes_on_by_hand_after_a_commit_is_in_the_scope_of_then(
    one: Organization, other: Organization
) -> None:
    with by_hand():
        with scope(one):
            assert _seen() == {one.pk}
            transaction.commit()
        with scope(other):
            assert _seen() == {other.pk}


def test_a_scope_that_ends_amid_a_statement_is_gone(one: Organization) -> None:
    with transaction.atomic():
        with scope(one):
            rows = _psycopg().cursor().stream("SELECT generate_series(1, 1000)")
            next(rows)
        assert len(list(rows)) == 999
        assert _seen() == set()


def test_a_scope_that_ends_inside_a_pipeline_is_gone(one: Organization) -> None:
    with transaction.atomic(), _psycopg().pipeline():
        with scope(one):
            inside = _psycopg().execute(SQL)
        after = _psycopg().execute(SQL)
        assert {row[0] for row in inside} == {one.pk}
        assert after.fetchall() == []


def test_a_rollback_past_django_brings_back_no_scope_that_has_ended(one: Organization) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        with scope(one):
            cursor.execute("SAVEPOINT inside")
            with pytest.raises(Exception, match="division"):
                cursor.execute("SELECT 1 / 0")
        cursor.execute("ROLLBACK TO inside")
        assert _found(cursor) == set()


def test_a_transaction_of_psycopg_brings_back_no_scope_that_has_ended(one: Organization) -> None:
    with transaction.atomic():
        with scope(one):
            inner = _psycopg().transaction(force_rollback=True)
            inner.__enter__()
        inner.__exit__(None, None, None)
        assert _seen() == set()


def test_a_transaction_of_psycopg_that_is_first_commits_nothing(one: Organization) -> None:
    with scope(one), pytest.raises(LookupError), transaction.atomic():
        with _psycopg().transaction():
            _psycopg().execute("UPDATE tenancy_project SET name = 'changed'")
        raise LookupError

    with scope(one), transaction.atomic():
        assert not Project.objects.filter(name="changed").exists()


def test_a_scope_that_was_set_for_the_session_does_not_count(one: Organization) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.organizations', %s, false)", [str(one.pk)])
    try:
        with transaction.atomic():
            assert _seen() == set()
            assert {row["organization_id"] for row in flush(SEEN)["tests.doors"]} == set()
    finally:
        connection.close()


def _psycopg() -> Any:
    connection.ensure_connection()
    return connection.connection


def _found(cursor: Any) -> set[int]:
    cursor.execute(SQL)
    return {row[0] for row in cursor.fetchall()}


def _seen() -> set[int]:
    with connection.cursor() as cursor:
        return _found(cursor)
