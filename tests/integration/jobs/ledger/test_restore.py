"""restore: a discarded job is dead again, its dead letter open, for a day."""

import pytest
from django.db import transaction

from jobs.ledger import transitions
from jobs.ledger.failures import Failure
from jobs.ledger.models import DeadLetter
from jobs.ledger.transitions import JobRef
from tenancy.scope import scope
from tests.factories import organization
from tests.factories.jobs import at, claim, dead_job, queued_job, row, started
from tests.integration.jobs.ledger.letters import (
    discard,
    finished_before,
    handled,
    letters,
    replay,
    restore,
    states,
)
from tests.threads import elsewhere, until_somebody_waits_for_a_lock

pytestmark = pytest.mark.django_db


def test_a_discarded_job_is_dead_again_for_its_own_reason():
    ref = dead_job(reason="time_limit")
    discard(ref)

    assert restore(ref) == [ref]

    assert (row(ref).state, row(ref).reason) == ("dead", "time_limit")
    assert handled(ref) == ("open", "", "")
    assert letters(ref)[0].handled_at is None


def test_it_is_dead_from_now_on():
    ref = dead_job()
    discard(ref)
    finished_before(ref, "1 hour")
    before = row(ref).finished_at

    restore(ref)

    assert row(ref).finished_at > before


def test_a_restored_job_can_be_replayed():
    ref = dead_job()
    discard(ref)
    restore(ref)

    assert len(replay(ref)) == 1


def test_of_a_job_that_died_twice_the_last_letter_is_open_again():
    ref = dead_job()
    replay(ref)
    job = started(claim(ref))
    with at(ref.organization_id):
        transitions.bury(job, reason="time_limit", failure=Failure(error_class="B", message="b"))
    discard(ref)

    restore(ref)

    assert states(ref) == ["replayed", "open"]
    assert row(ref).reason == "time_limit"


def test_of_two_discarded_letters_the_last_is_open_again():
    """No door leads there but `jobs check`, where the first was handled and its job still dead."""
    ref = dead_job(reason="time_limit")
    with at(ref.organization_id):
        [first] = DeadLetter.objects.filter(job_id=ref.job_id)
        DeadLetter.objects.filter(pk=first.pk).update(state="discarded")
        first.pk, first.reason = None, "permanent_error"
        first.save(force_insert=True)
    discard(ref)

    restore(ref)

    assert states(ref) == ["discarded", "open"]
    assert row(ref).reason == "permanent_error"


def test_within_a_day_it_can_be_restored_and_later_not():
    just, late = dead_job(), dead_job()
    discard(just)
    discard(late)
    finished_before(just, "23 hours 59 minutes")
    finished_before(late, "24 hours 1 minute")

    assert restore(just) == [just]
    assert restore(late) == []
    assert row(late).state == "cancelled"


def test_a_job_that_was_cancelled_is_not_restored():
    ref = queued_job()
    with at(ref.organization_id):
        transitions.cancel([ref], reason="cancelled")

    assert restore(ref) == []


def test_nor_is_one_that_had_died_before_it_was_cancelled():
    ref = dead_job()
    replay(ref)
    with at(ref.organization_id):
        transitions.cancel([ref], reason="cancelled")
        # as `jobs check` leaves it, where a letter had been discarded and its job was still dead
        DeadLetter.objects.filter(job_id=ref.job_id).update(state="discarded")

    assert restore(ref) == []
    assert row(ref).state == "cancelled"


def test_a_forged_pair_in_the_scope_of_both_reaches_nothing():
    of, theirs = organization(), dead_job()
    discard(theirs)
    forged = JobRef(organization_id=of.pk, job_id=theirs.job_id)

    with scope([of.pk, theirs.organization_id]), transaction.atomic():
        assert transitions.restore([forged]) == []

    assert (row(theirs).state, states(theirs)) == ("cancelled", ["discarded"])


@pytest.mark.django_db(transaction=True)
def test_two_people_at_once_restore_it_once():
    ref = dead_job()
    discard(ref)

    with elsewhere() as begin, at(ref.organization_id):
        first = transitions.restore([ref])
        late = begin(restore, ref)
        until_somebody_waits_for_a_lock()

    assert (first, late.result()) == ([ref], [])
