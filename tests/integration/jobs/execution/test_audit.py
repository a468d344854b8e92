"""What an actor records is in the log exactly when its job is settled."""

import threading

import pytest

from audit.models import AuditEvent
from audit.record import record
from jobs.execution.leases import leases
from tests.factories.jobs import at, claim, fall_silent, queued_job, started
from tests.integration.jobs.execution.looking import until
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


def recorded(ref) -> list[AuditEvent]:
    with at(ref.organization_id):
        return list(AuditEvent.objects.filter(action="note.read", target_id=str(ref.job_id)))


def read(run):
    record("note.read", ("note", run.job.ref.job_id), organization_id=run.organization_id)


def test_it_is_there_once_the_job_has_succeeded(declare, start_worker):
    seen = []

    def perform(run):
        read(run)
        seen.extend(AuditEvent.objects.filter(target_id=str(run.job.ref.job_id)))

    ref = queued_job(job_type=declare(perform))
    start_worker()

    until(ref, "succeeded")
    assert len(recorded(ref)) == 1
    assert seen == []  # it goes with the last trip


def test_of_an_attempt_that_lost_its_fence_there_is_nothing(declare, start_worker, logged):
    written, go_on = threading.Event(), threading.Event()

    def perform(run):
        read(run)
        written.set()
        go_on.wait(20)

    ref = queued_job(job_type=declare(perform))
    start_worker()
    written.wait(20)
    fall_silent(leases.worker_id)
    started(claim(ref))
    go_on.set()

    eventually(lambda: "job_lease_lost" in [one["event"] for one in logged()])
    assert recorded(ref) == []


def test_of_an_attempt_that_failed_there_is_nothing(declare, start_worker):
    def perform(run):
        read(run)
        if run.job.attempt == 1:
            raise ConnectionError("no answer")

    ref = queued_job(job_type=declare(perform))
    start_worker()

    assert until(ref, "succeeded").attempt == 2
    assert len(recorded(ref)) == 1
