"""claim: a job whose worker died goes to the next one."""

from datetime import timedelta

import pytest
from django.db import transaction

from jobs.ledger.statements import run
from tenancy.scope import engine_scope
from tests.factories.jobs import (
    LEASE,
    claim,
    fall_silent,
    queued_job,
    running_job,
    started,
    worker,
)
from tests.integration.jobs.ledger.attempts import attempts, retry

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def test_it_counts_a_loss_and_uses_no_retry():
    worker_id = worker()
    job = running_job(worker_id=worker_id)
    fall_silent(worker_id)

    again = started(claim(job.ref))

    assert (again.fence, again.attempt, again.losses) == (2, 1, 1)
    assert attempts(job.ref) == [(1, 1, "lost"), (1, 2, "")]


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


def test_the_attempts_of_before_ended_as_they_did():
    job, silent = running_job(), worker()
    retry(job)
    started(claim(job.ref, silent))
    fall_silent(silent)

    claim(job.ref)

    assert attempts(job.ref) == [(1, 1, "failed"), (2, 2, "lost")]
