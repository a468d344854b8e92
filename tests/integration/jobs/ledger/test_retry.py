"""retry: a failed attempt is written down, and the job comes back after its delay."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs.ledger import transitions
from jobs.ledger.failures import Failure
from jobs.ledger.models import Attempt
from tests.factories.jobs import at, row, running_job

pytestmark = pytest.mark.django_db

FAILURE = Failure(
    error_class="Boom",
    message="It broke.",
    frame="jobs/x.py:3 work",
    traceback="Traceback…",
    digest="0123456789abcdef",
)


def test_the_job_waits_until_its_delay_is_over():
    job = running_job()
    before = datetime.now(UTC)

    with at(job.ref.organization_id):
        transitions.retry(job, delay=timedelta(minutes=5), failure=FAILURE)

    after = row(job.ref)
    assert (after.state, after.worker_id, after.attempt) == ("retrying", "", 1)
    assert (after.error_class, after.error_message) == ("Boom", "It broke.")
    assert timedelta(minutes=4, seconds=55) < after.run_at - before < timedelta(minutes=6)
    assert after.finished_at is None


def test_the_attempt_tells_how_it_failed_and_when_the_next_one_is_due():
    job = running_job()

    with at(job.ref.organization_id):
        transitions.retry(job, delay=timedelta(minutes=5), failure=FAILURE)
        attempt = Attempt.objects.get(job_id=job.ref.job_id)

    assert (attempt.number, attempt.fence, attempt.outcome) == (1, 1, "failed")
    assert (attempt.error_class, attempt.error_message) == ("Boom", "It broke.")
    assert (attempt.error_frame, attempt.traceback) == ("jobs/x.py:3 work", "Traceback…")
    assert attempt.traceback_digest == "0123456789abcdef"
    assert attempt.retry_at == row(job.ref).run_at
    assert attempt.ended_at >= attempt.started_at
