"""claim: a job whose worker died goes to the next one."""

from datetime import timedelta

import pytest
from django.db import transaction

from jobs.ledger import transitions
from jobs.ledger.statements import run
from tenancy.scope import engine_scope
from tests.factories.jobs import (
    LEASE,
    at,
    claim,
    claimed_job,
    fall_silent,
    queued_job,
    row,
    running_job,
    started,
    worker,
)
from tests.integration.jobs.ledger.attempts import attempts, lost_job, retry, told, vanished_job

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def test_it_counts_a_loss_and_uses_no_retry():
    worker_id = worker()
    job = running_job(worker_id=worker_id)
    fall_silent(worker_id)

    again = claim(job.ref).claimed

    assert (again.fence, again.attempt, again.losses) == (2, 1, 1)
    [attempt] = told(job.ref)
    assert (attempt.number, attempt.fence, attempt.outcome) == (1, 1, "lost")
    assert (attempt.worker_id, attempt.error_class) == (worker_id, "WorkerLost")
    assert attempt.error_message == "Its worker died, or was cut off, while it ran this."


def test_its_attempt_began_when_a_heartbeat_of_its_worker_said():
    mine = worker()
    job = claimed_job(worker_id=mine)
    beat = {"host": "host", "pid": 1, "queue_groups": "[]", "version": "1"}
    with engine_scope(), transaction.atomic():
        run("beat", beat | {"id": mine, "begun": [job.ref.job_id], "ran": [SECOND]})
    fall_silent(mine)
    began = row(job.ref).started_at
    assert began < row(job.ref).claimed_at

    again = claim(job.ref).claimed

    [attempt] = told(job.ref)
    assert (again.losses, attempt.outcome, attempt.started_at) == (1, "lost", began)
    assert attempt.ended_at > began


def test_it_starts_at_once():
    ref = lost_job().ref

    claim(ref)

    assert row(ref).started_at >= row(ref).claimed_at


def test_one_that_is_not_known_to_have_started_is_given_back_and_starts_alone():
    job = vanished_job()
    had = row(job.ref)

    again = claim(job.ref).claimed

    [attempt] = told(job.ref)
    assert (attempt.number, attempt.fence, attempt.outcome) == (1, 1, "released")
    assert (attempt.worker_id, attempt.started_at) == (had.worker_id, had.claimed_at)
    assert attempt.error_class == "WorkerLost"
    assert attempt.error_message.endswith("had this. Whether this had started is not known.")
    assert (again.fence, again.attempt) == (2, 1)
    assert row(job.ref).started_at


def test_one_that_ends_alone_after_such_a_death_is_clear():
    job = started(claim(vanished_job().ref))

    with at(job.organization_id):
        transitions.settle(job)

    assert row(job.ref).losses == 0
    assert attempts(job.ref) == [(1, 1, "released"), (1, 2, "succeeded")]


def test_it_happens_as_soon_as_the_lease_is_over_and_not_before():
    worker_id = worker()
    job = running_job(worker_id=worker_id)

    fall_silent(worker_id, LEASE - SECOND)
    assert claim(job.ref).answer == "held"
    fall_silent(worker_id, LEASE + SECOND)
    assert claim(job.ref).answer == "claimed"


def test_a_worker_that_signed_off_holds_nothing():
    worker_id = worker()
    job = running_job(worker_id=worker_id)
    with engine_scope(), transaction.atomic():
        run("sign_off", {"id": worker_id})

    assert claim(job.ref).answer == "claimed"


def test_a_worker_that_nobody_knows_holds_nothing():
    job = running_job(worker_id="host:1:never-seen")

    assert claim(job.ref).answer == "claimed"


def test_every_death_is_counted():
    ref = queued_job()
    for _ in range(3):
        worker_id = worker()
        job = started(claim(ref, worker_id))
        fall_silent(worker_id)

    assert job.losses == 2
    assert claim(ref).claimed.losses == 3
    assert attempts(ref) == [(1, number, "lost") for number in (1, 2, 3)]


def test_the_third_death_in_a_row_is_the_third_though_nobody_saw_the_first_start():
    ref = vanished_job().ref
    counted = []
    for _ in range(3):
        worker_id = worker()
        counted.append(claim(ref, worker_id).claimed.losses)
        fall_silent(worker_id)

    assert counted == [1, 2, 3]
    assert [outcome for _, _, outcome in attempts(ref)] == ["released", "lost", "lost"]


def test_the_attempts_of_before_ended_as_they_did():
    job, silent = running_job(), worker()
    retry(job)
    started(claim(job.ref, silent))
    fall_silent(silent)

    claim(job.ref)

    assert attempts(job.ref) == [(1, 1, "failed"), (2, 2, "lost")]
