"""claim: a job under which a worker died, for a worker that does not ask for such."""

from datetime import timedelta

import pytest

from jobs.ledger import transitions
from jobs.ledger.failures import Failure
from jobs.ledger.models import Attempt
from jobs.ledger.transitions import JobRef
from tests.factories.jobs import (
    LEASE,
    at,
    claim,
    dead_job,
    fall_silent,
    queued_job,
    row,
    running_job,
    started,
    worker,
)

pytestmark = pytest.mark.django_db


def retry(job, delay=timedelta(0)):
    with at(job.ref.organization_id):
        transitions.retry(job, delay=delay, failure=Failure(error_class="E", message="m"))


def attempts(ref) -> list[tuple[int, int, str]]:
    with at(ref.organization_id):
        found = Attempt.objects.filter(job_id=ref.job_id)
        return [(one.number, one.fence, one.outcome) for one in found]


def ask(ref, worker_id=None):
    with at(ref.organization_id):
        [answer] = transitions.claim(
            [ref], worker_id=worker_id or worker(), lease=LEASE, suspects=False
        )
    return answer


def lost() -> JobRef:
    silent = worker()
    job = running_job(worker_id=silent)
    fall_silent(silent)
    return job.ref


def test_one_whose_worker_has_died_is_left_alone():
    ref = lost()

    assert ask(ref).answer == "suspect"
    assert (row(ref).fence, row(ref).losses) == (1, 0)


def test_one_that_was_given_back_since_is_left_alone():
    ref = lost()
    job = claim(ref).claimed
    with at(ref.organization_id):
        transitions.release(job)

    assert ask(ref).answer == "suspect"


def test_one_that_ended_an_attempt_alive_is_clear():
    ref = lost()
    retry(claim(ref).claimed)

    assert ask(ref).claimed.losses == 0


def test_one_that_succeeded_keeps_its_lost_attempt_and_no_count():
    ref = lost()
    job = started(claim(ref))
    with at(ref.organization_id):
        transitions.settle(job)

    assert row(ref).losses == 0
    assert [outcome for _, _, outcome in attempts(ref)] == ["lost", "succeeded"]


def test_one_that_is_held_or_not_due_or_finished_is_answered_so():
    held = running_job()
    assert ask(held.ref).answer == "held"
    retry(held, timedelta(minutes=5))
    assert ask(held.ref).answer == "not_due"
    assert ask(dead_job()).answer == "finished"


def test_any_other_is_claimed():
    assert ask(queued_job()).answer == "claimed"


def test_one_that_had_not_started_is_claimed_when_its_worker_dies():
    ref, silent = queued_job(), worker()
    claim(ref, silent)
    fall_silent(silent)

    assert ask(ref).claimed.losses == 0
