"""What a worker's thread remembers of the job before: nothing, however that one ended.

An interrupt can come between two lines of a context manager of ours, and then nothing is reset:
those that "leave" something open stand for that.
"""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import structlog
from django.db import connection, transaction

from tenancy.acting import Acting, Actor, _acting, current
from tenancy.entities import _recording, refuse_unrecorded
from tenancy.errors import UnrecordedWrite
from tenancy.models import Project
from tenancy.scope import Scope, _current, current_scope
from tests import factories
from tests.factories.jobs import queued_job
from tests.integration.jobs.conftest import booted  # noqa: F401 - a fixture
from tests.integration.jobs.execution.conftest import (  # noqa: F401 - fixtures
    Declare,
    StartWorker,
    declare,
    start_worker,
)
from tests.integration.jobs.execution.looking import until
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


def fail(run: Any) -> None:
    raise ZeroDivisionError


def fail_in_sql(run: Any) -> None:
    connection.cursor().execute("SELECT 1 / 0")


def lose_its_connection(run: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


def exit_the_thread(run: Any) -> None:
    raise SystemExit


def outlast_its_limit(run: Any) -> None:
    connection.cursor().execute("SELECT pg_sleep(60)")


def leave_a_scope_open(run: Any) -> None:
    _current.set(Scope(organizations=frozenset({run.organization_id})))


def leave_the_door_open(run: Any) -> None:
    _recording.set(True)


def leave_its_name(run: Any) -> None:
    _acting.set(Acting(actor=Actor.operator(1), source="command"))
    structlog.contextvars.bind_contextvars(organization_id=run.organization_id, secret="theirs")


def leave_a_transaction_open(run: Any) -> None:
    transaction.atomic().__enter__()


ENDINGS = [
    fail,
    fail_in_sql,
    lose_its_connection,
    exit_the_thread,
    outlast_its_limit,
    leave_a_scope_open,
    leave_the_door_open,
    leave_its_name,
    leave_a_transaction_open,
]


def remembered() -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('app.organizations', true), current_user")
        organizations, role = cursor.fetchone()
    try:
        refuse_unrecorded(Project, "INSERT")
        door = "open"
    except UnrecordedWrite:
        door = "closed"
    return {
        "thread": threading.get_ident(),
        "scope": current_scope(),
        "actor": current().actor,
        "organizations": organizations,
        "role": role,
        "rows": set(Project.objects.values_list("organization_id", flat=True)),
        "log": structlog.contextvars.get_contextvars(),
        "door": door,
    }


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda one: one.__name__)
def test_the_next_job_of_a_thread_finds_nothing_of_the_one_before(
    ending: Callable[[Any], None],
    start_worker: StartWorker,  # noqa: F811
    declare: Declare,  # noqa: F811
) -> None:
    theirs, mine = factories.project().organization, factories.project().organization
    found: list[dict[str, Any]] = []
    threads: list[int] = []

    def attack(run: Any) -> None:
        threads.append(threading.get_ident())
        ending(run)

    limit = timedelta(seconds=1 if ending is outlast_its_limit else 30)
    start_worker(threads=1)
    queued_job(theirs, declare(attack, max_retries=0, time_limit=limit))
    eventually(lambda: threads, within=20)
    after = queued_job(mine, declare(lambda run: found.append(remembered())))
    until(after, "succeeded")

    [memory] = found
    assert threads == [memory["thread"]]
    assert memory["scope"].organizations == {mine.pk}
    assert memory["actor"] == Actor.system()
    assert (memory["organizations"], memory["role"]) == (str(mine.pk), "app")
    assert memory["rows"] == {mine.pk}
    assert memory["door"] == "closed"
    assert memory["log"]["organization_id"] == mine.pk
    assert "secret" not in memory["log"]
