"""discard: a dead job will not run; its dead letter is handled."""

import pytest
from django.db import transaction

from jobs.ledger import transitions
from jobs.ledger.failures import Failure
from jobs.ledger.transitions import JobRef
from tenancy.scope import scope
from tests.factories import organization
from tests.factories.jobs import at, claim, dead_job, queued_job, row, running_job, started
from tests.integration.jobs.ledger.letters import BY, discard, handled, letters, replay, states
from tests.threads import elsewhere, until_somebody_waits_for_a_lock

pytestmark = pytest.mark.django_db


def test_a_discarded_job_will_not_run():
    ref = dead_job()
    died = row(ref).finished_at

    assert discard(ref) == [ref]

    assert (row(ref).state, row(ref).reason) == ("cancelled", "discarded")
    assert row(ref).finished_at > died
    assert handled(ref) == ("discarded", "user:7", "mended")
    assert letters(ref)[0].handled_at
    assert claim(ref).answer == "finished"


@pytest.mark.parametrize("make", [queued_job, lambda of: running_job(of).ref])
def test_what_is_not_dead_is_left_alone(make):
    ref = make(organization())

    assert discard(ref) == []
    assert row(ref).reason == ""


def test_the_letters_of_an_earlier_death_and_of_other_jobs_are_left_alone():
    of = organization()
    ref, other = dead_job(of), dead_job(of)
    replay(ref)
    job = started(claim(ref))
    with at(of):
        transitions.bury(job, reason="x", failure=Failure(error_class="E", message="m"))

    discard(ref)

    assert states(ref) == ["replayed", "discarded"]
    assert states(other) == ["open"]


def test_a_forged_pair_in_the_scope_of_both_reaches_nothing():
    of, theirs = organization(), dead_job()
    forged = JobRef(organization_id=of.pk, job_id=theirs.job_id)

    with scope([of.pk, theirs.organization_id]), transaction.atomic():
        assert transitions.discard([forged], **BY) == []

    assert (row(theirs).state, states(theirs)) == ("dead", ["open"])


@pytest.mark.django_db(transaction=True)
def test_one_that_is_being_replayed_is_not_discarded():
    ref = dead_job()

    with elsewhere() as begin, at(ref.organization_id):
        transitions.replay([ref], **BY)
        late = begin(discard, ref)
        until_somebody_waits_for_a_lock()

    assert late.result() == []
    assert row(ref).state == "queued"
