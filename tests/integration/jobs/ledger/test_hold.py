"""hold: a running job goes back uncounted, and waits in the ledger until its reason ends."""

import pytest

from jobs.ledger import transitions
from jobs.ledger.models import Attempt
from jobs.ledger.states import Hold
from tests.factories.jobs import at, claim, row, running_job

pytestmark = pytest.mark.django_db


def test_a_held_job_waits_in_the_ledger():
    job = running_job()

    with at(job.ref.organization_id):
        transitions.hold(job, Hold.ORGANIZATION_SUSPENDED)
        attempt = Attempt.objects.get(job_id=job.ref.job_id)

    after = row(job.ref)
    assert (after.state, after.hold, after.attempt) == ("scheduled", "organization_suspended", 0)
    assert (after.worker_id, after.started_at, after.published_at) == ("", None, None)
    assert attempt.outcome == "released"
    assert claim(job.ref).answer == "finished"
