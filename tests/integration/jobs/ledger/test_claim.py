"""claim: a waiting job goes to one worker under its next fence; the answer tells all others."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction

from jobs.ledger import transitions
from jobs.ledger.states import Hold
from jobs.ledger.transitions import JobRef
from tenancy.acting import Actor, acting
from tenancy.scope import scope
from tests.factories import organization, project
from tests.factories.jobs import (
    LEASE,
    Note,
    at,
    claim,
    claimed_job,
    dead_job,
    fall_silent,
    note_type,
    queued_job,
    row,
    running_job,
    worker,
)
from tests.integration.jobs.ledger.attempts import attempts, lost_job, retry

pytestmark = pytest.mark.django_db


def test_a_due_job_is_claimed_with_all_that_an_attempt_needs():
    of, job_type = organization(), note_type(max_retries=2)
    mine = project(of)
    with acting(Actor.user(7), source="web", correlation_id="c-1"):
        ref = queued_job(
            of, job_type, payload=Note(text="hi"), project_id=mine.pk, entity=("mission", "9")
        )

    job = claim(ref).claimed

    assert (job.ref, job.fence, job.attempt, job.attempts_left, job.losses) == (ref, 1, 1, 2, 0)
    assert (job.job_type, job.group) == (job_type.name, "backfill")
    assert (job.payload, job.project_id, job.entity) == ({"text": "hi"}, mine.pk, ("mission", "9"))
    assert (job.actor_id, job.correlation_id) == ("user:7", "c-1")
    assert (job.effect_id, job.effect_state) == ("", "not_begun")
    assert job.wait_seconds >= 0


def test_a_claimed_job_is_somebody_s_and_has_not_started():
    worker_id = worker()
    ref = queued_job()

    claim(ref, worker_id, suspects=False)

    job = row(ref)
    assert (job.state, job.worker_id, job.fence) == ("running", worker_id, 1)
    assert job.claimed_at
    assert job.started_at is None
    assert attempts(ref) == []


@pytest.mark.parametrize("fate", ["succeeded", "dead", "cancelled", "scheduled", "held"])
def test_what_is_not_to_run_now_is_answered_finished(fate):
    job = None
    match fate:
        case "dead":
            ref = dead_job()
        case "cancelled":
            ref = queued_job()
            with at(ref.organization_id):
                transitions.cancel([ref], reason="cancelled")
        case "scheduled":
            ref = queued_job(run_at=datetime.now(UTC) + timedelta(hours=1))
        case _:
            job = running_job()
            ref = job.ref
            with at(ref.organization_id):
                if fate == "held":
                    transitions.hold(job, Hold.ORGANIZATION_SUSPENDED)
                else:
                    transitions.settle(job)
    before = row(ref)

    answer = claim(ref)

    assert (answer.answer, answer.claimed) == ("finished", None)
    assert (row(ref).state, row(ref).fence) == (before.state, before.fence)


def test_a_job_that_a_living_worker_runs_is_held_for_the_rest_of_its_lease():
    ref = running_job(worker_id=worker(seen=timedelta(seconds=20))).ref

    answer = claim(ref)

    assert (answer.answer, answer.claimed) == ("held", None)
    assert timedelta(0) < answer.delay <= LEASE - timedelta(seconds=20)
    assert row(ref).fence == 1


def test_a_job_that_backs_off_is_not_due_for_the_rest_of_its_delay():
    job = running_job()
    retry(job, timedelta(minutes=5))

    answer = claim(job.ref)

    assert (answer.answer, answer.claimed) == ("not_due", None)
    assert timedelta(minutes=4) < answer.delay <= timedelta(minutes=5)


def test_a_job_that_backed_off_long_enough_is_claimed_for_its_next_attempt():
    job = running_job()
    retry(job)

    again = claim(job.ref, suspects=False).claimed

    assert (again.fence, again.attempt, again.attempts_left) == (2, 2, 1)
    assert row(job.ref).started_at is None
    assert attempts(job.ref) == [(1, 1, "failed")]


def test_a_job_that_is_nowhere_is_unknown():
    nowhere = JobRef(organization_id=organization().pk, job_id=uuid4())

    assert claim(nowhere).answer == "unknown"


def test_a_job_of_another_organization_is_unknown_and_untouched():
    theirs = queued_job()
    forged = JobRef(organization_id=organization().pk, job_id=theirs.job_id)

    assert claim(forged).answer == "unknown"
    assert (row(theirs).state, row(theirs).fence) == ("queued", 0)


def test_a_forged_pair_in_a_batch_of_both_organizations_reaches_nothing():
    ours, theirs = organization(), organization()
    honest = [queued_job(ours), queued_job(theirs)]
    target = queued_job(theirs)
    forged = JobRef(organization_id=ours.pk, job_id=target.job_id)

    with scope([ours, theirs]), transaction.atomic():
        answers = transitions.claim([*honest, forged], worker_id=worker(), lease=LEASE)

    assert {one.ref: one.answer for one in answers} == {
        honest[0]: "claimed",
        honest[1]: "claimed",
        forged: "unknown",
    }
    assert row(target).state == "queued"


def test_a_batch_answers_for_each_job():
    of = organization()
    due, running = queued_job(of), running_job(of).ref
    gone = JobRef(organization_id=of.pk, job_id=uuid4())

    with at(of):
        answers = transitions.claim([due, running, gone, due], worker_id=worker(), lease=LEASE)

    assert {one.ref: one.answer for one in answers} == {
        due: "claimed",
        running: "held",
        gone: "unknown",
    }


def test_that_redis_had_its_message_is_noted_once():
    ref = queued_job()
    assert row(ref).published_at is None

    job = claim(ref).claimed
    first = row(ref).published_at
    with at(ref.organization_id):
        transitions.release(job)
    claim(ref)

    assert first
    assert row(ref).published_at == first


def test_how_long_it_waited_is_counted_from_when_it_was_due():
    ref = queued_job()
    with at(ref.organization_id), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE jobs_job SET run_at = run_at - interval '1 hour' WHERE id = %s", [ref.job_id]
        )

    assert 3600 <= claim(ref).claimed.wait_seconds < 3660


def test_what_a_worker_claimed_and_has_not_in_hand_is_its_own_again():
    """The answer to its claim was lost."""
    ref, other, mine = queued_job(), queued_job(), worker()
    claim(ref, mine, suspects=False)

    again = claim(ref, mine, suspects=False, in_hand=[other]).claimed

    assert (again.fence, again.attempt, again.losses) == (2, 1, 0)
    assert attempts(ref) == []


def test_an_answer_that_was_lost_is_no_death_of_a_suspect_either():
    ref, mine = lost_job().ref, worker()
    claim(ref, mine)

    again = claim(ref, mine).claimed

    assert (again.fence, again.attempt, again.losses) == (3, 1, 1)
    assert attempts(ref) == [(1, 1, "lost")]


@pytest.mark.parametrize("suspects", [False, True])
def test_what_a_worker_has_in_hand_is_held_for_itself_too(suspects):
    mine = worker()
    ref = claimed_job(worker_id=mine).ref

    answer = claim(ref, mine, suspects=suspects, in_hand=[ref])

    assert (answer.answer, row(ref).fence) == ("held", 1)


def test_what_a_worker_has_in_hand_is_nobody_else_s_business():
    ref, silent = queued_job(), worker()
    claim(ref, silent)
    fall_silent(silent)

    assert claim(ref, in_hand=[ref]).claimed.fence == 2


def test_a_worker_that_stood_still_for_too_long_has_not_died():
    mine = worker()
    ref = running_job(worker_id=mine).ref
    fall_silent(mine)

    again = claim(ref, mine, suspects=False, in_hand=[ref]).claimed

    assert (again.fence, again.attempt, again.losses) == (2, 1, 0)
