"""start: a claimed job begins to run; only then its worker's death counts against it."""

import pytest

from jobs.errors import LeaseLost
from jobs.ledger import transitions
from tests.factories.jobs import at, claim, fall_silent, queued_job, row, started, worker
from tests.integration.jobs.ledger.attempts import attempts, retry

pytestmark = pytest.mark.django_db


def test_the_attempt_is_open_and_the_wait_is_known():
    ref = queued_job()

    job = started(claim(ref))

    assert row(ref).started_at
    assert attempts(ref) == [(1, 1, "")]
    assert (job.wait_seconds > 0, job.is_cancelled) == (True, False)


def test_a_lost_fence_starts_nothing():
    ref, silent = queued_job(), worker()
    old = claim(ref, silent).claimed
    fall_silent(silent)
    claim(ref)

    with pytest.raises(LeaseLost), at(ref.organization_id):
        transitions.start(old)

    assert (row(ref).started_at, attempts(ref)) == (None, [])


def test_a_job_of_another_organization_is_not_started():
    ours, theirs = claim(queued_job()).claimed, claim(queued_job())

    with pytest.raises(LeaseLost), at(ours.ref.organization_id):
        transitions.start(theirs.claimed)

    assert attempts(theirs.ref) == []


def test_whose_end_was_asked_for_is_told_so():
    ref = queued_job()
    answer = claim(ref)
    with at(ref.organization_id):
        transitions.request_cancel([ref])

    assert started(answer).is_cancelled


def test_a_worker_that_died_before_it_counts_no_loss_and_leaves_no_attempt():
    ref, silent = queued_job(), worker()
    claim(ref, silent)
    fall_silent(silent)

    job = started(claim(ref))

    assert (job.losses, job.attempt, job.fence) == (0, 1, 2)
    assert attempts(ref) == [(1, 2, "")]


def test_the_start_of_an_earlier_attempt_counts_nothing_against_the_next():
    job, silent = started(claim(queued_job())), worker()
    retry(job)
    claim(job.ref, silent)
    fall_silent(silent)

    again = claim(job.ref).claimed

    assert (again.attempt, again.losses) == (2, 0)
