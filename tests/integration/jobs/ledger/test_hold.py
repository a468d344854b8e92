"""hold: a running job goes back uncounted, and waits in the ledger until its reason ends."""

import pytest

from jobs.ledger import transitions
from jobs.ledger.states import Hold
from tests.factories.jobs import at, claim, row, running_job
from tests.integration.jobs.ledger.attempts import attempts

pytestmark = pytest.mark.django_db


def test_a_held_job_waits_in_the_ledger():
    job = running_job()

    with at(job.ref.organization_id):
        transitions.hold(job, Hold.ORGANIZATION_SUSPENDED)

    after = row(job.ref)
    assert (after.state, after.hold, after.attempt) == ("scheduled", "organization_suspended", 0)
    assert (after.worker_id, after.started_at, after.published_at) == ("", None, None)
    assert claim(job.ref).answer == "finished"


def test_its_actor_was_not_called_so_no_attempt_is_told_of():
    job = running_job()

    with at(job.ref.organization_id):
        transitions.hold(job, Hold.BREAKER)

    assert attempts(job.ref) == []
