"""A worker that lost its lease changes nothing any more; one that lost its database comes back."""

import threading

import pytest
from django.db import connection

from jobs.execution.leases import Leases, leases
from jobs.ledger import transitions
from jobs.ledger.models import Worker
from tenancy import changes
from tenancy.models import TimelineEntry
from tests.factories import mission
from tests.factories.jobs import (
    LEASE,
    at,
    claim,
    fall_silent,
    queued_job,
    row,
    started,
    worker,
)
from tests.integration.jobs.execution.looking import attempts, until
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


class Stopped:
    """An actor that has written its effect, and is stopped before it is settled."""

    def __init__(self, place):
        self.place = place
        self.has_written, self.may_go_on = threading.Event(), threading.Event()

    def __call__(self, run):
        entry = TimelineEntry(
            organization=self.place.organization,
            mission=self.place,
            title=f"fence {run.job.fence}",
            starts_at=self.place.created_at,
        )
        changes.create(entry)
        self.has_written.set()
        assert self.may_go_on.wait(20)


def take_over(ref) -> transitions.Claimed:
    fall_silent(leases.worker_id)
    return started(claim(ref))


def titles(place) -> list[str]:
    with at(place.organization):
        return [one.title for one in TimelineEntry.objects.filter(mission=place)]


def test_a_late_settle_is_refused_and_its_effect_undone(declare, start_worker, logged):
    place = mission()
    perform = Stopped(place)
    ref = queued_job(place.organization, declare(perform))
    start_worker()
    perform.has_written.wait(20)

    take_over(ref)
    perform.may_go_on.set()

    eventually(lambda: was_lost(logged))
    assert titles(place) == []
    assert (row(ref).state, row(ref).fence) == ("running", 2)


def test_a_late_failure_is_refused_too(declare, start_worker, logged):
    held, go_on = threading.Event(), threading.Event()

    def perform(run):
        held.set()
        go_on.wait(20)
        raise RuntimeError("too late")

    ref = queued_job(job_type=declare(perform))
    start_worker()
    held.wait(20)
    leases._beat()
    take_over(ref)
    go_on.set()

    eventually(lambda: was_lost(logged))
    assert (row(ref).state, row(ref).error_class) == ("running", "")
    assert [one.outcome for one in attempts(ref)] == ["lost"]


def test_the_worker_keeps_its_claims_live(declare, start_worker, settings):
    settings.JOBS_HEARTBEAT_SECONDS = 0.05
    start_worker()
    fall_silent(leases.worker_id)

    eventually(lambda: is_live(leases.worker_id))


def test_a_worker_that_ends_signs_off(declare, start_worker):
    ending = start_worker()

    ending.stop()

    assert Worker.objects.get(pk=leases.worker_id).stopped_at


def test_an_abandoned_job_is_given_back_uncounted(transactional_db, settings):
    settings.JOBS_HEARTBEAT_SECONDS = 0.05
    of_worker = Leases()
    of_worker.start(["backfill"])
    ref = queued_job()
    with at(ref.organization_id):
        [answer] = transitions.claim([ref], worker_id=of_worker.worker_id, lease=LEASE)

    of_worker.abandon(answer.claimed)

    assert until(ref, "queued").attempt == 0
    of_worker.stop()


def test_what_is_abandoned_at_the_end_is_given_back_before_signing_off(transactional_db):
    of_worker = Leases()
    of_worker.start(["backfill"])
    ref = queued_job()
    with at(ref.organization_id):
        [answer] = transitions.claim([ref], worker_id=of_worker.worker_id, lease=LEASE)
    of_worker.abandon(answer.claimed)

    of_worker.stop()

    assert (row(ref).state, row(ref).losses) == ("queued", 0)


def test_an_abandoned_job_that_somebody_else_has_is_left_alone(transactional_db):
    of_worker = Leases()
    of_worker.start(["backfill"])
    ref = queued_job()
    with at(ref.organization_id):
        [answer] = transitions.claim([ref], worker_id=of_worker.worker_id, lease=LEASE)
    fall_silent(of_worker.worker_id)
    with at(ref.organization_id):
        transitions.claim([ref], worker_id=worker(), lease=LEASE)
    of_worker.abandon(answer.claimed)

    of_worker.stop()

    assert (row(ref).state, row(ref).fence) == ("running", 2)


def was_lost(logged) -> bool:
    return "job_lease_lost" in [one["event"] for one in logged()]


def is_live(worker_id) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seen_at > clock_timestamp() - interval '10 seconds' FROM jobs_worker"
            " WHERE id = %s",
            [worker_id],
        )
        return bool(cursor.fetchone()[0])
