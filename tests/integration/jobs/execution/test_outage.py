"""PostgreSQL goes away during a job: the job is postponed, and succeeds when it is back."""

import threading

import pytest
from django.db import connection

from jobs.execution.leases import leases
from jobs.ledger.models import Worker
from tests.factories.jobs import queued_job
from tests.integration.jobs.execution.looking import attempts, until
from tests.outages import Outage
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


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
    assert [one.outcome for one in attempts(running)] == ["released", "succeeded"]
    *before, last = [one.outcome for one in attempts(waiting)]
    assert (set(before) <= {"released"}, last) == (True, "succeeded")


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
