"""claim: a job under which a worker died, for a worker that does not ask for such."""

from datetime import timedelta

import pytest

from jobs.ledger import transitions
from tests.factories import organization
from tests.factories.jobs import (
    LEASE,
    at,
    claim,
    claimed_job,
    dead_job,
    fall_silent,
    queued_job,
    row,
    running_job,
    started,
    worker,
)
from tests.integration.jobs.ledger.attempts import attempts, lost_job, retry, vanished_job

pytestmark = pytest.mark.django_db


def ask(ref):
    return claim(ref, suspects=False)


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


def test_one_that_is_not_known_to_have_started_is_left_alone_too():
    ref = vanished_job().ref

    assert ask(ref).answer == "suspect"
    assert (row(ref).fence, row(ref).losses, attempts(ref)) == (1, 0, [])


def test_one_that_its_worker_gave_back_before_it_died_is_no_suspect():
    mine = worker()
    job = claimed_job(worker_id=mine)
    with at(job.organization_id):
        transitions.give_back([job])
    fall_silent(mine)

    assert ask(job.ref).claimed.losses == 0


def test_a_batch_claims_the_others_and_says_which_are_suspects():
    of = organization()
    silent, due = worker(), queued_job(of)
    lost, vanished = running_job(of, worker_id=silent).ref, claimed_job(of, worker_id=silent).ref
    fall_silent(silent)

    with at(of):
        answers = transitions.claim(
            [lost, vanished, due], worker_id=worker(), lease=LEASE, suspects=False
        )

    assert {one.ref: one.answer for one in answers} == {
        lost: "suspect",
        vanished: "suspect",
        due: "claimed",
    }
