"""Every end of an attempt writes it down, once and whole: which, whose, since when, how."""

from datetime import timedelta

import pytest
from django.db import transaction

from jobs.ledger import transitions
from jobs.ledger.failures import Failure
from tenancy.postgresql.flush import flush
from tests.factories.jobs import at, claim, row, running_job, worker
from tests.integration.jobs.ledger.attempts import begun, told

pytestmark = pytest.mark.django_db

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
FAILURE = Failure(error_class="Boom", message="boom")

ENDS = {
    "settle": (transitions.settle, "succeeded"),
    "settle_many": (lambda job: flush(transitions.settling_many([job])), "succeeded"),
    "retry": (lambda job: transitions.retry(job, delay=HOUR, failure=FAILURE), "failed"),
    "bury": (lambda job: transitions.bury(job, reason="time_limit", failure=FAILURE), "failed"),
    "release": (transitions.release, "released"),
    "stop": (lambda job: transitions.stop(job, how="It stopped."), "cancelled"),
}


@pytest.mark.parametrize("end", ENDS)
def test_the_attempt_is_told_of_once_it_has_ended(end):
    write, outcome = ENDS[end]
    mine = worker()
    job = running_job(worker_id=mine)
    assert told(job.ref) == []

    with at(job.organization_id):
        write(job)

    [attempt] = told(job.ref)
    assert (attempt.number, attempt.fence, attempt.outcome) == (1, 1, outcome)
    assert attempt.worker_id == mine
    assert attempt.ended_at >= attempt.started_at


@pytest.mark.parametrize("end", ENDS)
def test_it_began_as_long_ago_as_its_worker_has_measured(end):
    write, _ = ENDS[end]
    job = begun(running_job(), HOUR)

    with at(job.organization_id):
        write(job)

    [attempt] = told(job.ref)
    assert HOUR <= attempt.ended_at - attempt.started_at < HOUR + MINUTE
    after = row(job.ref)
    assert after.started_at == (None if end == "release" else attempt.started_at)


@pytest.mark.parametrize("end", ENDS)
def test_the_next_one_stands_beside_it(end):
    write, outcome = ENDS[end]
    job = running_job()
    with at(job.organization_id):
        transitions.release(job)

    again = claim(job.ref).claimed
    with at(job.organization_id):
        write(again)

    assert [(one.fence, one.outcome) for one in told(job.ref)] == [(1, "released"), (2, outcome)]


@pytest.mark.parametrize("end", ENDS)
def test_what_rolls_back_leaves_no_attempt(end):
    write, _ = ENDS[end]
    job = running_job()

    with at(job.organization_id):
        write(job)
        transaction.set_rollback(True)

    assert (row(job.ref).state, told(job.ref)) == ("running", [])
