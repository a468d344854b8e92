"""A long job writes step by step; what a lost attempt would write after it is lost, is not."""

import threading

import pytest

from jobs.execution.leases import leases
from tenancy import changes
from tenancy.models import TimelineEntry
from tests.factories import mission
from tests.factories.jobs import at, claim, fall_silent, queued_job, started
from tests.integration.jobs.execution.looking import until
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


def write(place, title):
    entry = TimelineEntry(
        organization=place.organization, mission=place, title=title, starts_at=place.created_at
    )
    changes.create(entry)


def titles(place) -> set[str]:
    with at(place.organization):
        return {one.title for one in TimelineEntry.objects.filter(mission=place)}


def test_each_step_is_committed_by_itself(declare, start_worker):
    place = mission()

    def perform(run):
        with run.step():
            write(place, "first")
        with run.step():
            write(place, "second")
            raise RuntimeError("in the middle of it")

    ref = queued_job(place.organization, declare(perform, effect="outside", max_retries=0))
    start_worker()

    until(ref, "dead")
    assert titles(place) == {"first"}


def test_a_step_of_an_attempt_that_was_taken_over_is_undone(declare, start_worker, logged):
    place = mission()
    has_written, may_go_on = threading.Event(), threading.Event()

    def perform(run):
        with run.step():
            write(place, "first")
        with run.step():
            write(place, "late")
            has_written.set()
            assert may_go_on.wait(20)

    ref = queued_job(place.organization, declare(perform, effect="outside"))
    start_worker()
    has_written.wait(20)

    fall_silent(leases.worker_id)
    started(claim(ref))
    may_go_on.set()

    eventually(lambda: "job_lease_lost" in [one["event"] for one in logged()])
    assert titles(place) == {"first"}
