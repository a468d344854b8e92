"""When a transaction is told its scope: before anything else runs in it, and in no trip before."""

# ruff: noqa: SIM117 - what raises is the end of the outer block

from contextlib import contextmanager, suppress

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from tenancy.models import Organization, Project
from tenancy.postgresql.flush import Statement, atomic, committed, flush
from tenancy.scope import Scope, _current, engine_scope, operator_scope, scope
from tests import factories
from tests.trips import counted

pytestmark = pytest.mark.django_db(transaction=True)

SQL = "SELECT coalesce(current_setting('app.organizations', true), '') AS seen"
SEEN = Statement(name="tests.words", sql=SQL)
PLANS = Statement(name="tests.plans", sql="SHOW enable_seqscan")


@pytest.fixture
def one() -> Organization:
    return factories.project().organization


@pytest.fixture
def other() -> Organization:
    return factories.project().organization


def seen() -> str:
    with connection.cursor() as cursor:
        cursor.execute(SQL)
        return cursor.fetchone()[0]


def is_idle() -> bool:
    return connection.connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_a_transaction_in_which_nothing_runs_sends_nothing(one, other):
    ran = []

    with counted() as trips:
        with scope([one, other]), transaction.atomic(), scope(one):
            transaction.on_commit(lambda: ran.append("committed"))
        with scope(one), atomic():
            pass
        with scope(one), pytest.raises(LookupError), transaction.atomic():
            raise LookupError

    assert (trips.count, ran) == (0, ["committed"])


def test_the_first_statement_takes_one_trip_ahead_of_it(one):
    with counted() as trips, scope(one), transaction.atomic():
        assert seen() == str(one.pk)
        assert seen() == str(one.pk)

    assert trips.count == 1 + 2 + 1  # BEGIN and the scope, both, COMMIT


def test_a_flush_that_is_first_takes_no_other_trip(one):
    with counted() as trips, scope(one), transaction.atomic():
        assert flush(SEEN, PLANS) == {
            "tests.words": [{"seen": str(one.pk)}],
            "tests.plans": [{"enable_seqscan": "on"}],
        }

    assert trips.count == 1 + 1


def test_a_transaction_of_its_own_is_one_trip(one):
    with counted() as trips, scope(one):
        committed(SEEN)

    assert trips.count == 1


def test_what_only_closes_is_one_trip_with_its_commit(one):
    with counted() as trips, scope(one), atomic() as block:
        block.closing = [SEEN]

    assert trips.count == 1
    assert is_idle()


def test_what_only_closes_is_in_its_scope_and_planned_once(one):
    same = "current_setting('app.organizations') = %(id)s AND current_setting('enable_seqscan')"
    breaks = Statement(
        name="tests.breaks_where_it_should",
        sql=f"SELECT 1 / (CASE WHEN {same} = 'off' THEN 0 ELSE 1 END)",
        parameters={"id": str(one.pk)},
    )

    with scope(one), pytest.raises(DatabaseError, match="division by zero"), atomic() as block:
        block.closing = [breaks]


def test_statements_before_the_closing_are_planned_as_usual_in_the_scope(one):
    with counted() as trips, scope(one), atomic() as block:
        assert set(Project.objects.values_list("organization_id", flat=True)) == {one.pk}
        assert flush(PLANS)["tests.plans"] == [{"enable_seqscan": "on"}]
        block.closing = [SEEN]

    assert trips.count == 1 + 2 + 1


def test_opening_statements_go_with_the_words(one):
    with counted() as trips, scope(one), atomic(SEEN, PLANS) as block:
        assert block.answers["tests.words"] == [{"seen": str(one.pk)}]
        assert block.answers["tests.plans"] == [{"enable_seqscan": "off"}]
        assert seen() == str(one.pk)

    assert trips.count == 1 + 1 + 1


def test_a_block_inside_another_leaves_the_plans_as_they_were(one):
    with scope(one), transaction.atomic():
        committed(SEEN)
        assert flush(PLANS)["tests.plans"] == [{"enable_seqscan": "on"}]
        with atomic() as block:
            block.closing = [SEEN]
        assert flush(PLANS)["tests.plans"] == [{"enable_seqscan": "on"}]


def test_a_hidden_error_is_found_where_nothing_closes(one):
    with scope(one), pytest.raises(DatabaseError, match="aborted"), atomic():
        with suppress(DatabaseError):
            connection.cursor().execute("SELECT 1 / 0")


def test_the_words_are_those_of_the_scope_at_the_first_statement(one, other):
    with scope([one, other]), transaction.atomic():
        with scope(other):
            assert seen() == str(other.pk)
        assert set(seen().split(",")) == {str(one.pk), str(other.pk)}


def test_a_scope_that_ended_before_the_first_statement_leaves_nothing(one):
    with transaction.atomic():
        with scope(one):
            pass
        assert seen() == ""


def test_a_role_that_was_left_before_the_first_statement_is_not_entered():
    with operator_scope("a look"), transaction.atomic():
        with engine_scope():
            pass
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            assert cursor.fetchone() == ("operator",)


def test_a_savepoint_that_is_first_is_behind_the_words(one, other):
    with scope([one, other]), transaction.atomic():
        with counted() as trips:
            first = transaction.savepoint_create()
        with scope(one):
            transaction.savepoint_rollback(first)
            assert seen() == str(one.pk)
        transaction.savepoint_rollback(first)
        assert set(seen().split(",")) == {str(one.pk), str(other.pk)}

    assert trips.count == 2


def test_a_nested_block_that_fails_first_leaves_the_scope(one):
    with scope(one), transaction.atomic():
        with pytest.raises(IntegrityError), transaction.atomic():
            raise IntegrityError
        assert seen() == str(one.pk)


@contextmanager
def scope_of_nobody():
    """One whose role PostgreSQL does not know."""
    token = _current.set(Scope(organizations=frozenset(), role="nobody"))
    try:
        yield
    finally:
        _current.reset(token)


def test_words_that_fail_begin_nothing(one):
    refused = pytest.raises(DatabaseError, match="nobody")
    with scope_of_nobody():
        with refused, transaction.atomic():
            seen()
        assert is_idle()
        with refused, transaction.atomic():
            flush(SEEN)
        assert is_idle()
        with refused:
            committed(SEEN)

    with scope(one), transaction.atomic():
        assert seen() == str(one.pk)


def test_after_words_that_failed_nothing_else_runs_in_that_transaction():
    with transaction.atomic():
        with scope_of_nobody(), pytest.raises(DatabaseError, match="nobody"):
            seen()
        with pytest.raises(DatabaseError, match="aborted"):
            seen()


def test_a_transaction_after_one_that_was_undone_has_its_own_words(one, other):
    with scope(one), transaction.atomic():
        assert seen() == str(one.pk)
        transaction.set_rollback(True)
    with scope(other), transaction.atomic():
        assert seen() == str(other.pk)
    with transaction.atomic():
        assert seen() == ""


def test_the_first_statement_may_still_choose_the_isolation(one):
    with scope(one), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        assert seen() == str(one.pk)
