"""release: a running job goes back uncounted."""

import pytest

from jobs.ledger import transitions
from jobs.ledger.models import Attempt
from tests.factories.jobs import at, claim, row, running_job

pytestmark = pytest.mark.django_db


def test_a_released_job_is_due_and_its_attempt_did_not_happen():
    job = running_job()
    published_at = row(job.ref).published_at

    with at(job.ref.organization_id):
        transitions.release(job)
        attempt = Attempt.objects.get(job_id=job.ref.job_id)

    after = row(job.ref)
    assert (after.state, after.attempt, after.losses) == ("queued", 0, 0)
    assert (after.worker_id, after.started_at) == ("", None)
    assert after.published_at == published_at  # its message comes back
    assert attempt.outcome == "released"
    assert attempt.ended_at


def test_a_released_job_is_claimed_again_with_all_its_attempts():
    job = running_job()
    with at(job.ref.organization_id):
        transitions.release(job)

    again = claim(job.ref).claimed

    assert (again.fence, again.attempt, again.attempts_left) == (2, 1, job.attempts_left)
