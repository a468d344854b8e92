"""After a job, however it ended, nothing of its organization is left in thread or connection."""

import queue
import time
from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

import dramatiq
import pytest
import structlog
from django.db import DatabaseError, connection, transaction

from jobs.errors import Permanent
from tenancy import acting
from tenancy.errors import AccessDenied, ScopeWidened
from tenancy.models import Mission
from tenancy.scope import current_scope, operator_scope, scope
from tests.factories import mission
from tests.factories.jobs import queued_job
from tests.integration.jobs.execution.looking import until

pytestmark = pytest.mark.django_db(transaction=True)


def succeed(run):
    list(Mission.objects.all())


def fail(run):
    list(Mission.objects.all())
    raise RuntimeError("failed")


def die(run):
    raise Permanent("dead")


def exit_(run):
    raise SystemExit(1)


def run_too_long(run):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        pass


def break_the_transaction(run):
    with connection.cursor() as cursor, suppress(DatabaseError):
        cursor.execute("SELECT 1/0")


def break_the_connection(run):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


def bind_more(run):
    structlog.contextvars.bind_contextvars(secret="of the organization")
    scope(run.organization_id).__enter__()


ENDS = {
    "success": succeed,
    "failure": fail,
    "death": die,
    "exit": exit_,
    "time limit": run_too_long,
    "broken transaction": break_the_transaction,
    "broken connection": break_the_connection,
    "context left open": bind_more,
}


@pytest.fixture
def left_behind():
    """Run in the worker's thread, a plain actor puts here what it finds."""
    return queue.Queue()


@pytest.fixture
def look(declare, left_behind):
    def look() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT coalesce(current_setting('app.organizations', true), ''),"
                " current_user::text, session_user::text"
            )
            settings = cursor.fetchone()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM tenancy_mission")
            seen = cursor.fetchone()[0]
        left_behind.put(
            {
                "settings": settings,
                "rows": seen,
                "scope": current_scope(),
                "acting": acting._acting.get(),
                "log": structlog.contextvars.get_contextvars(),
                "in transaction": connection.in_atomic_block,
            }
        )

    actor = dramatiq.actor(look, actor_name=f"look_{uuid4().hex}", queue_name="backfill")
    yield actor
    del dramatiq.get_broker().actors[actor.actor_name]


@pytest.mark.parametrize("end", ENDS)
def test_nothing_of_the_last_organization_is_left(declare, start_worker, look, left_behind, end):
    of = mission().organization
    limit = timedelta(milliseconds=100) if end == "time limit" else timedelta(seconds=30)
    ref = queued_job(of, declare(ENDS[end], max_retries=0, time_limit=limit))
    start_worker(threads=1)

    until(ref, "succeeded" if end in ("success", "context left open") else "dead")
    look.send()

    assert left_behind.get(timeout=20) == {
        "settings": ("", "app", "app"),
        "rows": 0,
        "scope": None,
        "acting": None,
        "log": {},
        "in transaction": False,
    }


def test_the_next_organization_s_job_sees_only_its_own(declare, start_worker):
    ours, theirs = mission(), mission()
    seen = {}

    def perform(run):
        with connection.cursor() as cursor:
            cursor.execute("SELECT DISTINCT organization_id FROM tenancy_mission")
            seen[run.organization_id] = [row[0] for row in cursor.fetchall()]

    job_type = declare(perform)
    refs = [queued_job(one.organization, job_type) for one in (ours, theirs)]
    start_worker(threads=1)

    for ref in refs:
        until(ref, "succeeded")
    assert seen == {ref.organization_id: [ref.organization_id] for ref in refs}


def test_a_job_cannot_widen_its_scope(declare, start_worker):
    theirs = mission().organization
    refused = []

    def perform(run):
        for wider in (scope(theirs), operator_scope("more")):
            with pytest.raises((ScopeWidened, AccessDenied)) as refusal, wider:
                pass
            refused.append(refusal.type)

    ref = queued_job(mission().organization, declare(perform))
    start_worker()

    until(ref, "succeeded")
    assert refused == [ScopeWidened, AccessDenied]
