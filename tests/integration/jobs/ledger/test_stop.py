"""stop: a running job ends because somebody asked for it."""

import pytest

from jobs.errors import LeaseLost
from jobs.ledger import transitions
from jobs.ledger.failures import Failure
from jobs.ledger.models import Attempt
from tests.factories.jobs import (
    at,
    claim,
    fall_silent,
    queued_job,
    row,
    running_job,
    started,
    worker,
)
from tests.integration.jobs.ledger.attempts import taken_over_job

pytestmark = pytest.mark.django_db


def stop(job, how="It stopped at a check."):
    with at(job.ref.organization_id):
        transitions.stop(job, how=how)


def test_the_job_is_cancelled_and_says_how():
    job = running_job()

    stop(job)

    after = row(job.ref)
    assert (after.state, after.reason, after.error_message) == (
        "cancelled",
        "cancelled",
        "It stopped at a check.",
    )
    with at(job.ref.organization_id):
        [attempt] = Attempt.objects.filter(job_id=job.ref.job_id)
    assert (attempt.outcome, attempt.error_message) == ("cancelled", "It stopped at a check.")
    assert attempt.error_class == "Cancelled"


def test_an_effect_that_had_begun_stays_begun_and_is_told_of():
    job = running_job()
    with at(job.ref.organization_id):
        transitions.begin_effect(job, "effect-1")

    stop(job)

    assert row(job.ref).effect_state == "begun"
    assert row(job.ref).error_message.endswith("Its effect had begun, and may have happened.")


def test_the_workers_that_died_under_it_are_forgotten():
    job = taken_over_job()
    assert row(job.ref).losses == 1

    stop(job)

    assert row(job.ref).losses == 0


def test_a_lost_fence_stops_nothing():
    ref, silent = queued_job(), worker()
    old = started(claim(ref, silent))
    fall_silent(silent)
    claim(ref)

    with pytest.raises(LeaseLost):
        stop(old)

    assert row(ref).state == "running"


def test_a_dead_job_is_asked_nothing_any_more_when_it_is_retried():
    job = running_job()
    with at(job.ref.organization_id):
        transitions.request_cancel([job.ref])
        failure = Failure(error_class="E", message="m")
        transitions.bury(job, reason="permanent_error", failure=failure)
        transitions.replay([job.ref], handled_by="user:1", reason="mended")

    claim(job.ref)
    assert row(job.ref).cancel_requested_at is None
