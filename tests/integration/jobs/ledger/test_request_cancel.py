"""request_cancel: jobs that run are asked to end, and keep running until they do."""

import pytest
from django.db import transaction

from jobs.ledger import transitions
from jobs.ledger.transitions import JobRef
from tenancy.scope import scope
from tests.factories import organization
from tests.factories.jobs import at, claim, dead_job, queued_job, row, running_job
from tests.threads import elsewhere, until_somebody_waits_for_a_lock

pytestmark = pytest.mark.django_db


def ask(of, *refs):
    with at(of):
        return transitions.request_cancel(refs)


def test_a_running_job_keeps_the_first_request():
    of = organization()
    ref = running_job(of).ref

    assert ask(of, ref) == [(ref, "backfill")]
    first = row(ref).cancel_requested_at
    ask(of, ref)

    assert first
    assert (row(ref).state, row(ref).cancel_requested_at) == ("running", first)


def test_a_claimed_one_is_asked_too():
    of = organization()
    ref = queued_job(of)
    claim(ref)

    assert ask(of, ref) == [(ref, "backfill")]


@pytest.mark.parametrize("make", [queued_job, dead_job])
def test_what_does_not_run_is_left_alone(make):
    of = organization()
    ref = make(of)

    assert ask(of, ref) == []
    assert row(ref).cancel_requested_at is None


def test_jobs_of_others_are_left_alone():
    theirs = running_job().ref

    assert ask(organization(), theirs) == []
    assert row(theirs).cancel_requested_at is None


def test_a_forged_pair_in_the_scope_of_both_asks_nothing():
    of, theirs = organization(), running_job().ref
    forged = JobRef(organization_id=of.pk, job_id=theirs.job_id)

    with scope([of.pk, theirs.organization_id]), transaction.atomic():
        assert transitions.request_cancel([forged]) == []

    assert row(theirs).cancel_requested_at is None


@pytest.mark.django_db(transaction=True)
def test_one_that_is_being_settled_is_not_asked():
    job = running_job()
    of = job.organization_id

    with elsewhere() as begin, at(of):
        transitions.settle(job)
        late = begin(ask, of, job.ref)
        until_somebody_waits_for_a_lock()

    assert late.result() == []
    assert row(job.ref).cancel_requested_at is None
