"""flush: several statements in one trip, in agreement with Django's transactions."""

# ruff: noqa: PT012 - what raises is the end of the block, or what it does with an error inside

import threading

import psycopg
import pytest
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    OperationalError,
    connection,
    transaction,
)
from django.db.transaction import TransactionManagementError

from tenancy import changes
from tenancy.models import Mission
from tenancy.postgresql import exchange as exchanging
from tenancy.postgresql.flush import Statement, atomic, committed, flush
from tenancy.scope import scope
from tests.factories import mission, organization
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

BREAKS = Statement(name="tests.breaks", sql="SELECT 1 / 0")
SEEN = Statement(
    name="tests.seen", sql="SELECT current_setting('app.organizations', true) AS organizations"
)


def title(place, text) -> Statement:
    return Statement(
        name="tests.title",
        sql="UPDATE tenancy_mission SET title = %(title)s WHERE id = %(id)s",
        parameters={"title": text, "id": place.pk},
    )


def title_of(place) -> str:
    with scope(place.organization_id), transaction.atomic():
        return Mission.objects.get(pk=place.pk).title


def is_idle() -> bool:
    return connection.connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_rows_come_back_by_the_name_of_their_statement():
    add = Statement(
        name="tests.add",
        sql="SELECT %(a)s::int + %(b)s::int AS sum, %(a)s::int AS a",
        parameters={"a": 2, "b": 3},
    )

    assert flush(add, SEEN)["tests.add"] == [{"sum": 5, "a": 2}]


def test_values_of_every_kind_arrive_as_they_are():
    values = {"t": "é\n'%s", "n": None, "b": True, "l": ["a", None, 'x"{},'], "i": [1, 2]}
    sql = (
        "SELECT %(t)s::text AS t, %(n)s::int AS n, %(b)s::boolean AS b, %(l)s::text[] AS l, "
        "%(i)s::bigint[] AS i"
    )

    assert flush(Statement(name="tests.kinds", sql=sql, parameters=values)) == {
        "tests.kinds": [values]
    }


def test_more_than_a_socket_holds_goes_both_ways():
    large = Statement(
        name="tests.large", sql="SELECT %(t)s::text AS t", parameters={"t": "x" * 20_000_000}
    )

    answers = flush(large, SEEN, large)

    assert len(answers["tests.large"][0]["t"]) == 20_000_000


def test_the_first_error_is_raised_and_what_follows_does_not_happen():
    place = mission(title="before")

    with scope(place.organization_id), pytest.raises(DatabaseError, match="division by zero"):
        committed(title(place, "first"), BREAKS, title(place, "last"))

    assert title_of(place) == "before"
    assert is_idle()


def test_a_statement_that_cannot_be_prepared_is_tried_again_next_time():
    nonsense = Statement(name="tests.nonsense", sql="SELECT nothing FROM nowhere")

    for _ in range(2):
        with pytest.raises(DatabaseError, match="nowhere"):
            flush(nonsense)


def test_committed_is_a_transaction_of_its_own_in_the_scope():
    place = mission(title="before")

    with scope(place.organization_id):
        answers = committed(SEEN, title(place, "after"))

    assert answers["tests.seen"] == [{"organizations": str(place.organization_id)}]
    assert title_of(place) == "after"
    assert flush(SEEN)["tests.seen"] == [{"organizations": ""}]


def test_the_transaction_is_committed_with_its_closing_statements():
    place, ran = mission(title="before"), []

    with scope(place.organization_id), atomic(SEEN) as block:
        transaction.on_commit(lambda: ran.append(title_of(place)))
        changes.update(place, title="by the ORM")
        block.closing = [title(place, "closing")]
        assert ran == []

    assert block.answers["tests.seen"] == [{"organizations": str(place.organization_id)}]
    assert ran == ["closing"]
    assert is_idle()


def test_a_closing_statement_that_fails_undoes_all_and_no_hook_runs():
    place, ran = mission(title="before"), []

    with (
        scope(place.organization_id),
        pytest.raises(DatabaseError, match="division by zero"),
        atomic() as block,
    ):
        transaction.on_commit(lambda: ran.append("committed"))
        changes.update(place, title="by the ORM")
        block.closing = [BREAKS]

    assert (title_of(place), ran) == ("before", [])


def test_an_exception_inside_undoes_all():
    place = mission(title="before")

    with scope(place.organization_id), pytest.raises(LookupError), atomic():
        changes.update(place, title="by the ORM")
        raise LookupError

    assert title_of(place) == "before"


def test_a_savepoint_inside_is_undone_alone():
    place = mission(title="before")

    with scope(place.organization_id), atomic() as block:
        with pytest.raises(LookupError), transaction.atomic():
            changes.update(place, title="by the ORM")
            raise LookupError
        block.closing = [SEEN]

    assert title_of(place) == "before"


def test_inside_another_transaction_it_commits_nothing():
    place = mission(title="before")

    with scope(place.organization_id), pytest.raises(LookupError), transaction.atomic():
        with atomic(title(place, "opening")) as block:
            block.closing = [title(place, "closing")]
        committed(title(place, "committed"))
        raise LookupError

    assert title_of(place) == "before"


def test_a_transaction_that_is_to_be_undone_takes_no_flush():
    with pytest.raises(TransactionManagementError), atomic() as block:
        block.closing = [SEEN]
        transaction.set_rollback(True)


def test_a_hidden_error_is_found_at_the_end():
    place = mission(title="before")

    with scope(place.organization_id), pytest.raises(DatabaseError), atomic() as block:
        with pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")
        block.closing = [title(place, "closing")]

    assert title_of(place) == "before"


def test_after_a_new_connection_statements_are_prepared_anew():
    flush(SEEN)
    connection.close()

    assert flush(SEEN)["tests.seen"]


def test_a_connection_that_was_lost_is_an_error_of_django_s():
    flush(SEEN)
    connection.connection.close()

    with pytest.raises(OperationalError):
        flush(SEEN)
    connection.close()


def test_other_threads_run_while_it_waits():
    ran = threading.Event()
    sleeps = Statement(name="tests.sleeps", sql="SELECT pg_sleep(30)")
    other = threading.Thread(target=wake, args=[connection.connection or fresh(), ran])

    other.start()
    with pytest.raises(OperationalError, match="canceling statement"):
        flush(sleeps)

    assert ran.is_set()
    other.join()


def fresh() -> psycopg.Connection:
    connection.ensure_connection()
    return connection.connection


def wake(of: psycopg.Connection, ran: threading.Event) -> None:
    eventually(lambda: of.pgconn.transaction_status == psycopg.pq.TransactionStatus.ACTIVE)
    ran.set()
    of.cancel_safe(timeout=5)


def test_an_interrupt_in_the_middle_leaves_no_half_read_connection(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(exchanging, "_received", interrupted)
    with pytest.raises(KeyboardInterrupt), atomic(SEEN):
        pass
    monkeypatch.undo()

    assert committed(SEEN)["tests.seen"] == [{"organizations": ""}]


def test_plans_are_as_usual_for_what_the_caller_does_in_between():
    with scope(organization()), atomic(), connection.cursor() as cursor:
        cursor.execute("SHOW enable_seqscan")
        assert cursor.fetchone() == ("on",)


def test_a_constraint_that_is_checked_at_the_commit_undoes_all():
    place = mission(title="before")
    orphan = Statement(
        name="tests.orphan",
        sql="UPDATE tenancy_mission SET project_id = -1, title = 'x' WHERE id = %(id)s",
        parameters={"id": place.pk},
    )

    with scope(place.organization_id), pytest.raises(IntegrityError), atomic() as block:
        block.closing = [orphan]

    assert title_of(place) == "before"


def test_more_than_a_socket_takes_at_once_goes_and_comes():
    echo = Statement(
        name="tests.echo", sql="SELECT %(text)s::text AS text", parameters={"text": "x" * 5_000_000}
    )

    assert committed(echo, SEEN)["tests.echo"] == [{"text": "x" * 5_000_000}]


def test_what_nobody_reads_has_no_answer():
    unread = Statement(name="tests.unread", sql="SELECT 1", is_read=False)

    assert list(committed(unread, SEEN)) == ["tests.seen"]


def test_a_flush_that_fails_first_on_a_connection_leaves_it_usable():
    connection.close()
    failing = Statement(name="tests.failing", sql="SELECT 1 / length('')")

    with pytest.raises(DataError):
        committed(failing)

    assert committed(SEEN)["tests.seen"] == [{"organizations": ""}]
    with pytest.raises(DataError):
        committed(failing)


def test_a_name_that_stands_for_other_sql_is_refused():
    committed(Statement(name="tests.named", sql="SELECT 1 AS one"))

    with pytest.raises(ValueError, match=r"tests\.named"):
        committed(Statement(name="tests.named", sql="SELECT 2 AS two"))

    assert committed(SEEN)["tests.seen"] == [{"organizations": ""}]
