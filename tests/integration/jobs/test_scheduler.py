"""The scheduler: every tick at its time, whatever another one does, and safe to run twice."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection

from jobs import scheduler
from jobs.broker.errors import NoEpoch
from jobs.ledger.models import Worker
from jobs.ledger.publish import queues
from jobs.scheduler import Tick, run_scheduler
from tests.factories import organization
from tests.factories.jobs import at, queued_job, row
from tests.threads import elsewhere
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run():
    """Start schedulers, each in a thread of its own; all are stopped at the end."""
    stopping = threading.Event()
    with elsewhere() as begin:
        yield lambda *ticks: begin(run_scheduler, stopping, ticks or scheduler.TICKS)
        stopping.set()


def counting(name, *, error=None, every_seconds=0.01):
    times = []

    def work():
        times.append(name)
        if error:
            raise error

    return Tick(name=name, every_seconds=every_seconds, work=work), times


@pytest.mark.parametrize("error", [OperationalError("away"), NoEpoch(), RuntimeError("a fault")])
def test_a_tick_that_fails_is_tried_again_and_stops_no_other(run, error):
    bad, tried = counting("bad", error=error)
    good, done = counting("good")

    run(bad, good)

    eventually(lambda: len(tried) > 3 and len(done) > 3)


def test_a_tick_waits_for_its_time(run):
    often, done = counting("often")
    seldom, rarely = counting("seldom", every_seconds=3600)

    run(often, seldom)

    eventually(lambda: len(done) > 10)
    assert len(rarely) == 1


def test_it_stands_among_the_workers_while_it_runs(run):
    before = set(Worker.objects.values_list("pk", flat=True))

    run(counting("tick")[0])

    def mine():
        found = Worker.objects.exclude(pk__in=before).filter(stopped_at=None)
        return [one for one in found if one.queue_groups == ["scheduler"]]

    eventually(mine)


def test_two_at_once_publish_each_job_once(run, redis_url):
    of = organization()
    later = datetime.now(UTC) + timedelta(hours=1)
    refs = [queued_job(of, run_at=later) for _ in range(50)]
    with at(of), connection.cursor() as cursor:
        cursor.execute("UPDATE jobs_job SET run_at = now() WHERE organization_id = %s", [of.pk])

    run()
    run()

    eventually(lambda: all(row(ref).state == "queued" for ref in refs))
    assert queues().depth("backfill", of.pk).waiting == 50


def test_it_opens_a_redis_that_is_empty(run, redis_url):
    run()

    eventually(queues().epoch)
