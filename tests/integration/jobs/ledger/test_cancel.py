"""cancel: jobs that have not started never will."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from jobs.ledger import transitions
from jobs.ledger.failures import Failure
from jobs.ledger.states import Hold
from jobs.ledger.transitions import JobRef
from tenancy.scope import scope
from tests.factories import organization
from tests.factories.jobs import at, claim, dead_job, queued_job, row, running_job
from tests.threads import elsewhere, until_somebody_waits_for_a_lock

pytestmark = pytest.mark.django_db


def waiting(kind, of) -> JobRef:
    if kind == "queued":
        return queued_job(of)
    if kind == "scheduled":
        return queued_job(of, run_at=datetime.now(UTC) + timedelta(hours=1))
    job = running_job(of)
    with at(of):
        if kind == "held":
            transitions.hold(job, Hold.ORGANIZATION_SUSPENDED)
        else:
            failure = Failure(error_class="E", message="m")
            transitions.retry(job, delay=timedelta(hours=1), failure=failure)
    return job.ref


def cancel(*refs, of) -> list[tuple[JobRef, str]]:
    with at(of):
        return transitions.cancel(refs, reason="cancelled")


@pytest.mark.parametrize("kind", ["queued", "scheduled", "held", "retrying"])
def test_a_waiting_job_is_cancelled(kind):
    of = organization()
    ref = waiting(kind, of)

    assert cancel(ref, of=of) == [(ref, "backfill")]

    after = row(ref)
    assert (after.state, after.reason, after.hold) == ("cancelled", "cancelled", None)
    assert after.finished_at


@pytest.mark.parametrize("make", [lambda of: running_job(of).ref, dead_job])
def test_a_job_that_does_not_wait_is_left_alone(make):
    of = organization()
    ref = make(of)
    before = row(ref).state

    assert cancel(ref, of=of) == []
    assert row(ref).state == before


def test_many_are_cancelled_and_those_of_others_are_not():
    of, theirs = organization(), queued_job()
    mine = [queued_job(of) for _ in range(5)]
    forged = JobRef(organization_id=of.pk, job_id=theirs.job_id)

    cancelled = cancel(*mine, theirs, forged, of=of)

    assert sorted(ref for ref, _ in cancelled) == sorted(mine)
    assert row(theirs).state == "queued"


def test_a_forged_pair_in_the_scope_of_both_cancels_nothing():
    of, theirs = organization(), queued_job()
    forged = JobRef(organization_id=of.pk, job_id=theirs.job_id)

    with scope([of.pk, theirs.organization_id]), transaction.atomic():
        assert transitions.cancel([forged], reason="cancelled") == []

    assert row(theirs).state == "queued"


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_waits_for_a_job_being_cancelled_does_not_run_it():
    ref = queued_job()

    with elsewhere() as begin, at(ref.organization_id):
        transitions.cancel([ref], reason="cancelled")
        late = begin(claim, ref)
        until_somebody_waits_for_a_lock()

    assert late.result().answer == "finished"


@pytest.mark.django_db(transaction=True)
def test_a_job_that_is_being_claimed_is_not_cancelled():
    ref = queued_job()
    of = ref.organization_id

    with elsewhere() as begin, at(of):
        answers = transitions.claim([ref], worker_id="w", lease=timedelta(seconds=30))
        late = begin(cancel, ref, of=of)
        until_somebody_waits_for_a_lock()

    assert answers[0].answer == "claimed"
    assert late.result() == []
    assert row(ref).state == "running"
