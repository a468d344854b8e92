"""finished: how the attempts of a stretch of time ended."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from jobs.ledger import figures, transitions
from jobs.ledger.failures import Failure
from jobs.ledger.models import Attempt
from tenancy.scope import engine_scope
from tests.factories import organization
from tests.factories.jobs import at, claim, dead_job, fall_silent, running_job, worker

pytestmark = pytest.mark.django_db

GROUP = "backfill"
FAILURE = Failure(error_class="Boom", message="boom")
TICK = timedelta(microseconds=1)


@pytest.fixture
def of():
    return organization()


def finished(of, since=None, until=None):
    """How this organization's attempts of the last minutes ended."""
    now = datetime.now(UTC)
    minutes = timedelta(minutes=5)
    with engine_scope(), transaction.atomic():
        rows = figures.finished(since or now - minutes, until or now + minutes)
    return [row for row in rows if row["organization_id"] == of.pk]


def test_attempts_are_counted_by_how_they_ended(of):
    settled, retried = running_job(of), running_job(of)
    with at(of):
        transitions.settle(settled)
        transitions.retry(retried, delay=timedelta(hours=1), failure=FAILURE)
    dead_job(of)
    running_job(of)  # has not ended

    [row] = finished(of)

    assert row == {
        "organization_id": of.pk,
        "queue_group": GROUP,
        "attempts": 3,
        "failed": 2,
        "succeeded": 1,
        "retried": 1,
        "dead": 1,
    }


def test_an_attempt_whose_worker_died_failed_and_is_tried_again(of):
    killed = worker()
    job = running_job(of, worker_id=killed)
    fall_silent(killed)
    claim(job.ref)

    [row] = finished(of)

    assert (row["attempts"], row["failed"], row["retried"], row["dead"]) == (1, 1, 1, 0)


def test_an_attempt_that_was_given_back_is_none(of):
    job = running_job(of)
    with at(of):
        transitions.release(job)

    assert finished(of) == []


def test_the_first_moment_of_a_stretch_belongs_to_it_and_the_last_does_not(of):
    ref = dead_job(of)
    with at(of):
        ended_at = Attempt.objects.get(job_id=ref.job_id).ended_at

    assert finished(of, ended_at, ended_at + TICK)
    assert not finished(of, ended_at - TICK, ended_at)
