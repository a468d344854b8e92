"""PostgreSQL goes away during a job: the job is postponed, and succeeds when it is back."""

import threading

import psycopg
import pytest
from django.db import connection, connections
from psycopg import sql

from jobs.execution.leases import leases
from jobs.ledger.models import Worker
from tests import servers
from tests.factories.jobs import queued_job
from tests.integration.jobs.execution.looking import attempts, until
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


class Outage:
    """This process's database answers nobody: to its clients, as if PostgreSQL were down."""

    def __init__(self) -> None:
        self.servers = servers.current()

    def begin(self) -> None:
        self._allow(False)
        connections.close_all()
        # As `app`: the owner may not end what belongs to another role.
        with psycopg.connect(self.servers.database_url("app", "postgres"), autocommit=True) as app:
            app.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = %s AND usename = 'app'",
                [self.servers.database],
            )

    def end(self) -> None:
        self._allow(True)

    def _allow(self, connections: bool) -> None:
        statement = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}").format(
            sql.Identifier(self.servers.database), sql.Literal(connections)
        )
        with psycopg.connect(self.servers.maintenance_url, autocommit=True) as owner:
            owner.execute(statement)


@pytest.fixture
def outage():
    outage = Outage()
    yield outage
    outage.end()


def test_jobs_are_postponed_and_succeed_when_it_is_back(
    declare, start_worker, settings, outage, logged
):
    settings.JOBS_HEARTBEAT_SECONDS = 0.05
    begun, away = threading.Event(), threading.Event()

    def perform(run):
        begun.set()
        away.wait(20)
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    job_type = declare(perform)
    running, waiting = queued_job(job_type=job_type), queued_job(job_type=job_type)
    start_worker(threads=1)
    begun.wait(20)

    outage.begin()
    away.set()
    eventually(lambda: sum(one["event"] == "job_postponed" for one in logged()) == 2)
    outage.end()

    assert until(running, "succeeded").attempt == 1
    assert until(waiting, "succeeded").attempt == 1
    outcomes = sorted([one.outcome for ref in (running, waiting) for one in attempts(ref)])
    assert outcomes == ["released", "succeeded", "succeeded"]


def test_a_worker_that_starts_meanwhile_keeps_its_leases_afterwards(
    declare, start_worker, settings, outage
):
    settings.JOBS_HEARTBEAT_SECONDS = 0.05
    ref = queued_job(job_type=declare(lambda run: None))

    outage.begin()
    start_worker()
    outage.end()

    until(ref, "succeeded")
    eventually(lambda: Worker.objects.filter(pk=leases.worker_id, stopped_at=None).exists())
