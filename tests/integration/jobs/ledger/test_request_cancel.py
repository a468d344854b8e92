"""request_cancel: jobs that run are asked to end, and keep running until they do."""

import pytest

from jobs.ledger import transitions
from tests.factories import organization
from tests.factories.jobs import at, claim, dead_job, queued_job, row, running_job

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
