"""Effects outside: read, note, act, settle; the same id on every attempt, and once it is settled no
more."""

import threading

import pytest
from django.db import connection

from jobs import deadletters
from jobs.errors import Permanent
from jobs.execution.leases import leases
from jobs.ledger import transitions
from tenancy import changes
from tenancy.acting import Actor, acting
from tenancy.errors import NoScope
from tenancy.models import Mission
from tests.factories import member, mission
from tests.factories.jobs import LEASE, at, fall_silent, queued_job, row, worker
from tests.integration.jobs.execution.looking import attempts, until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sent():
    """The ids under which something went out."""
    return []


@pytest.fixture
def declare_outside(declare):
    return lambda perform, **more: declare(perform, effect="outside", **more)


def test_no_transaction_is_open_while_it_acts(declare_outside, start_worker):
    open_ = []
    ref = queued_job(job_type=declare_outside(lambda run: open_.append(connection.in_atomic_block)))

    start_worker()

    until(ref, "succeeded")
    assert open_ == [False]


def test_it_reads_in_its_own_organization_in_a_short_transaction(declare_outside, start_worker):
    ours, _theirs = mission(), mission()
    seen = []

    def perform(run):
        with run.transaction():
            seen.extend(Mission.objects.values_list("pk", flat=True))
        with pytest.raises(NoScope):
            Mission.objects.count()

    ref = queued_job(ours.organization, declare_outside(perform))
    start_worker()

    until(ref, "succeeded")
    assert seen == [ours.pk]


def test_a_failed_attempt_s_effect_goes_out_again_under_the_same_id(
    declare_outside, start_worker, sent
):
    def perform(run):
        sent.append(run.begin_effect(f"of attempt {run.job.attempt}"))
        if run.job.attempt < 3:
            raise ConnectionError("no answer")

    ref = queued_job(job_type=declare_outside(perform))
    start_worker()

    assert until(ref, "succeeded").effect_state == "confirmed"
    assert sent == ["of attempt 1"] * 3


def test_a_person_s_retry_sends_under_the_same_id(declare_outside, start_worker, sent):
    def perform(run):
        sent.append(run.begin_effect(f"fence {run.job.fence}"))
        if len(sent) == 1:
            raise Permanent("refused")

    place = mission()
    ref = queued_job(place.organization, declare_outside(perform))
    admin = member(place.organization, role="admin")
    start_worker()
    until(ref, "dead")

    with acting(Actor.user(admin.pk), source="admin"), at(ref.organization_id):
        assert deadletters.safety([ref.job_id]).begun == 1
        deadletters.retry([ref.job_id], reason="mended")

    until(ref, "succeeded")
    assert sent == ["fence 1", "fence 1"]


def test_what_came_of_it_and_the_completion_are_one_transaction(declare_outside, start_worker):
    place = mission(title="before")

    def perform(run):
        with run.settling():
            changes.update(place, title=f"attempt {run.job.attempt}")
            if run.job.attempt == 1:
                raise RuntimeError("before its commit")

    ref = queued_job(place.organization, declare_outside(perform))
    start_worker()

    until(ref, "succeeded")
    with at(place.organization):
        assert Mission.objects.get(pk=place.pk).title == "attempt 2"


def test_a_failure_after_it_is_settled_changes_nothing(declare_outside, start_worker):
    def perform(run):
        with run.settling():
            pass
        raise RuntimeError("afterwards")

    ref = queued_job(job_type=declare_outside(perform))
    started = start_worker()

    until(ref, "succeeded")
    started.stop()
    assert [one.outcome for one in attempts(ref)] == ["succeeded"]


def test_a_worker_that_lost_its_lease_neither_begins_nor_settles(
    declare_outside, start_worker, sent
):
    running, taken, refused = threading.Event(), threading.Event(), []
    place = mission(title="before")

    def perform(run):
        running.set()
        taken.wait(20)
        for last_words in (lambda: sent.append(run.begin_effect("late")), lambda: settle(run)):
            with pytest.raises(transitions.LeaseLost):
                last_words()
            refused.append(True)

    def settle(run):
        with run.settling():
            changes.update(place, title="late")

    ref = queued_job(place.organization, declare_outside(perform))
    started = start_worker()
    running.wait(20)
    fall_silent(leases.worker_id)
    with at(ref.organization_id):
        transitions.claim([ref], worker_id=worker(), lease=LEASE)
    taken.set()
    started.stop()

    assert (refused, sent) == ([True, True], [])
    assert (row(ref).state, row(ref).fence) == ("running", 2)
    with at(place.organization):
        assert Mission.objects.get(pk=place.pk).title == "before"
