"""A worker that is told to stop finishes what it runs, or gives it back; nothing waits a lease."""

import threading
import time

import pytest
from django.db import connection

from jobs.execution.in_hand import in_hand
from jobs.ledger.publish import queues
from tests.factories import organization
from tests.factories.jobs import queued_job, queued_jobs, row
from tests.integration.jobs.execution.looking import attempts, until, until_it_runs
from tests.threads import elsewhere
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


def spin(run):
    """Python that never ends by itself."""
    while True:
        time.monotonic()


def wait_for_postgresql(run):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(60)")


def test_a_running_job_may_finish(declare, start_worker):
    begun, go_on = threading.Event(), threading.Event()

    def perform(run):
        begun.set()
        go_on.wait(20)

    ref = queued_job(job_type=declare(perform))
    worker = start_worker()
    begun.wait(20)

    threading.Timer(0.1, go_on.set).start()
    worker.stop()

    assert row(ref).state == "succeeded"


def test_prefetched_jobs_go_back_uncounted(declare, start_worker):
    begun, go_on = threading.Event(), threading.Event()

    def perform(run):
        begun.set()
        go_on.wait(20)

    of = organization()
    refs = queued_jobs(of, 20, declare(perform))
    worker = start_worker(threads=1)
    begun.wait(20)

    go_on.set()
    worker.stop()

    ran = [ref for ref in refs if row(ref).state == "succeeded"]
    waiting = [ref for ref in refs if row(ref).state == "queued"]
    assert len(ran) + len(waiting) == 20
    assert waiting
    assert queues().depth("backfill", of.pk).waiting == len(waiting)
    assert {row(ref).attempt for ref in waiting} == {0}


def test_claimed_jobs_that_did_not_start_go_back_uncounted(declare, start_worker):
    begun, go_on = threading.Event(), threading.Event()

    def perform(run):
        begun.set()
        go_on.wait(20)

    of = organization()
    refs = queued_jobs(of, 8, declare(perform))
    worker = start_worker(threads=1)
    begun.wait(20)
    [running] = [ref.job_id for ref in refs if ref.job_id in dict(in_hand.running())]
    claimed = eventually(lambda: [ref for ref in others(refs, running) if is_claimed(ref)])

    with elsewhere() as begin:
        begin(worker.stop)
        eventually(lambda: not [ref for ref in claimed if is_claimed(ref)])
        go_on.set()

    back = {(row(ref).state, row(ref).attempt, row(ref).losses) for ref in claimed}
    assert back == {("queued", 0, 0)}
    assert [attempts(ref) for ref in claimed] == [[]] * len(claimed)
    assert not [ref for ref in refs if ref in in_hand]


def others(refs, job_id):
    return [ref for ref in refs if ref.job_id != job_id]


def is_claimed(ref):
    return row(ref).state == "running"


@pytest.mark.parametrize("perform", [spin, wait_for_postgresql])
def test_what_outlives_the_grace_time_goes_back_uncounted(declare, start_worker, settings, perform):
    settings.WORKER_GRACE_SECONDS = 1
    ref = queued_job(job_type=declare(perform))
    worker = start_worker(threads=1)
    until_it_runs(ref)

    worker.stop()

    assert (row(ref).state, row(ref).attempt, row(ref).losses) == ("queued", 0, 0)
    assert [one.outcome for one in attempts(ref)] == ["released"]
    eventually(lambda: queues().depth("backfill", ref.organization_id).waiting == 1)


def test_another_worker_goes_on_at_once(declare, start_worker, settings):
    settings.WORKER_GRACE_SECONDS = 1
    runs = []

    def perform(run):
        runs.append(run.job.fence)
        if len(runs) == 1:
            spin(run)

    ref = queued_job(job_type=declare(perform))
    first = start_worker(threads=1)
    eventually(lambda: runs)
    first.stop()

    start_worker()

    assert until(ref, "succeeded").attempt == 1
    assert runs == [1, 2]
