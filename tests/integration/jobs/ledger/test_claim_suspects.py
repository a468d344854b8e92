"""claim: a job under which a worker died, for a worker that does not ask for such."""

from datetime import timedelta

import pytest

from jobs.ledger import transitions
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
from tests.integration.jobs.ledger.attempts import attempts, lost_job, retry

pytestmark = pytest.mark.django_db


def ask(ref, worker_id=None):
    with at(ref.organization_id):
        [answer] = transitions.claim(
            [ref], worker_id=worker_id or worker(), lease=LEASE, suspects=False
        )
    return answer


def test_one_whose_worker_has_died_is_left_alone():
    ref = lost_job().ref

    assert ask(ref).answer == "suspect"
    assert (row(ref).fence, row(ref).losses) == (1, 0)


def test_one_that_was_given_back_since_is_left_alone():
    ref = lost_job().ref
    job = claim(ref).claimed
    with at(ref.organization_id):
        transitions.release(job)

    assert ask(ref).answer == "suspect"


def test_one_that_ended_an_attempt_alive_is_clear():
    ref = lost_job().ref
    retry(claim(ref).claimed)

    assert ask(ref).claimed.losses == 0


def test_one_that_succeeded_keeps_its_lost_attempt_and_no_count():
    ref = lost_job().ref
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
