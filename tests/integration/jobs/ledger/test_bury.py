"""bury: a job that needs a person is dead, and its dead letter says why."""

from datetime import timedelta

import pytest

from jobs.ledger import transitions
from jobs.ledger.failures import Failure
from jobs.ledger.models import Attempt, DeadLetter
from tests.factories import organization
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

pytestmark = pytest.mark.django_db

FAILURE = Failure(error_class="Boom", message="It broke.", frame="jobs/x.py:3 work")


def bury(job, reason="permanent_error") -> DeadLetter:
    with at(job.ref.organization_id):
        transitions.bury(job, reason=reason, failure=FAILURE)
        return DeadLetter.objects.get(job_id=job.ref.job_id, state="open")


def test_the_job_is_dead_for_a_reason():
    job = running_job()

    bury(job)

    after = row(job.ref)
    assert (after.state, after.reason) == ("dead", "permanent_error")
    assert (after.error_class, after.error_message) == ("Boom", "It broke.")
    assert after.finished_at


def test_the_dead_letter_says_what_where_and_by_whom():
    job = running_job()

    letter = bury(job)

    assert letter.organization_id == job.ref.organization_id
    assert (letter.job_type, letter.queue_group) == (job.job_type, job.group)
    assert (letter.reason, letter.attempt) == ("permanent_error", 1)
    assert (letter.error_class, letter.error_message) == ("Boom", "It broke.")
    assert letter.error_frame == "jobs/x.py:3 work"
    assert letter.worker_id == row(job.ref).worker_id
    assert letter.raw is None
    assert letter.fingerprint == FAILURE.fingerprint(
        job_type=job.job_type, reason="permanent_error"
    )


def test_the_attempt_is_closed_as_failed():
    job = running_job()

    bury(job)

    with at(job.ref.organization_id):
        attempt = Attempt.objects.get(job_id=job.ref.job_id)
    assert (attempt.outcome, attempt.error_class) == ("failed", "Boom")
    assert attempt.retry_at is None


def test_the_first_failure_of_one_that_failed_once_is_the_only_one():
    letter = bury(running_job())

    assert letter.first_failed_at == letter.last_failed_at


def test_the_first_failure_is_that_of_the_first_attempt():
    job = running_job()
    with at(job.ref.organization_id):
        transitions.retry(job, delay=timedelta(0), failure=FAILURE)
        first = Attempt.objects.get(job_id=job.ref.job_id).ended_at
    second = started(claim(job.ref))
    with at(job.ref.organization_id):
        transitions.retry(second, delay=timedelta(0), failure=FAILURE)

    letter = bury(claim(job.ref).claimed)

    assert letter.first_failed_at == first
    assert letter.last_failed_at > first


def test_what_was_given_back_and_what_other_jobs_did_is_no_failure_of_it():
    of = organization()
    bury(running_job(of))
    job = running_job(of)
    with at(of):
        transitions.release(job)

    letter = bury(claim(job.ref).claimed)

    assert letter.first_failed_at == letter.last_failed_at


def test_the_death_of_its_worker_is_a_first_failure_too():
    ref, silent = queued_job(), worker()
    started(claim(ref, silent))
    fall_silent(silent)

    letter = bury(claim(ref).claimed, reason="worker_lost")

    assert letter.first_failed_at < letter.last_failed_at


def test_a_job_that_dies_twice_has_two_letters_and_one_is_open():
    job = running_job()
    first = bury(job)
    with at(job.ref.organization_id):
        transitions.replay([job.ref], handled_by="user:7", reason="mended")

    second = bury(claim(job.ref).claimed)

    with at(job.ref.organization_id):
        states = dict(DeadLetter.objects.values_list("pk", "state").filter(job_id=job.ref.job_id))
    assert states == {first.pk: "replayed", second.pk: "open"}
