"""Every arrow that an attempt takes asks for its fence, and touches nothing but its own."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction

from jobs.errors import LeaseLost
from jobs.ledger import transitions
from jobs.ledger.failures import Failure
from jobs.ledger.states import Hold
from jobs.ledger.transitions import JobRef
from tenancy.scope import scope
from tests.factories import organization
from tests.factories.jobs import at, claim, queued_job, row
from tests.integration.jobs.ledger.attempts import attempts

pytestmark = pytest.mark.django_db

FAILURE = Failure(error_class="Boom", message="boom")

ENDS = {
    "settle": transitions.settle,
    "retry": lambda job: transitions.retry(job, delay=timedelta(0), failure=FAILURE),
    "bury": lambda job: transitions.bury(job, reason="permanent_error", failure=FAILURE),
    "release": transitions.release,
    "hold": lambda job: transitions.hold(job, Hold.ORGANIZATION_SUSPENDED),
    "stop": lambda job: transitions.stop(job, how="It stopped."),
}
ARROWS = ENDS | {"begin_effect": lambda job: transitions.begin_effect(job, "e-1")}


@pytest.mark.parametrize("arrow", ARROWS)
def test_a_late_worker_is_refused_at_every_arrow(lost, arrow):
    late, _ = lost

    with (
        pytest.raises(LeaseLost, match="no longer held under fence 1"),
        at(late.ref.organization_id),
    ):
        ARROWS[arrow](late)

    assert (row(late.ref).state, row(late.ref).fence) == ("running", 2)


@pytest.mark.parametrize("arrow", ARROWS)
def test_a_job_that_is_settled_moves_no_more(arrow):
    job = claim(queued_job()).claimed
    with at(job.ref.organization_id):
        transitions.settle(job)

    with pytest.raises(LeaseLost), at(job.ref.organization_id):
        ARROWS[arrow](job)

    assert row(job.ref).state == "succeeded"


@pytest.mark.parametrize("arrow", ARROWS)
def test_a_forged_pair_in_the_scope_of_both_moves_nothing(arrow):
    of, theirs = organization(), claim(queued_job()).claimed
    forged = replace(theirs, ref=JobRef(organization_id=of.pk, job_id=theirs.ref.job_id))

    with (
        pytest.raises(LeaseLost),
        scope([of.pk, theirs.organization_id]),
        transaction.atomic(),
    ):
        ARROWS[arrow](forged)

    after = row(theirs.ref)
    assert (after.state, after.fence, after.effect_id) == ("running", theirs.fence, "")


@pytest.mark.parametrize("end", ENDS)
def test_an_end_is_that_of_its_own_attempt(lost, end):
    _, current = lost
    with at(current.organization_id):
        ENDS[end](current)

    first, *own = [outcome for _, _, outcome in attempts(current.ref)]
    assert first == "lost"
    assert own == [] if end == "hold" else own[0] not in ("", "lost")
