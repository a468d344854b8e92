"""replay, discard, restore: what a person makes of a dead job, and of its dead letter."""

from datetime import timedelta

import pytest
from django.db import connection, transaction

from jobs.ledger import transitions
from jobs.ledger.failures import Failure
from jobs.ledger.models import DeadLetter
from jobs.ledger.transitions import JobRef
from tenancy.scope import operator_scope
from tests.factories import organization
from tests.factories.jobs import at, claim, dead_job, queued_job, row, running_job, started
from tests.threads import together

pytestmark = pytest.mark.django_db

BY = {"handled_by": "user:7", "reason": "mended"}


def replay(*refs):
    with at(refs[0].organization_id):
        return transitions.replay(refs, **BY)


def discard(*refs):
    with at(refs[0].organization_id):
        return transitions.discard(refs, **BY)


def restore(*refs):
    with at(refs[0].organization_id):
        return transitions.restore(refs)


def letter(ref) -> DeadLetter:
    with at(ref.organization_id):
        return DeadLetter.objects.filter(job_id=ref.job_id).first()


def handled(ref):
    found = letter(ref)
    return found.state, found.handled_by, found.handled_reason


class TestReplay:
    def test_a_dead_job_is_due_with_all_its_attempts(self):
        ref = dead_job()

        [in_line] = replay(ref)

        after = row(ref)
        assert (in_line.organization_id, in_line.job_id) == (ref.organization_id, ref.job_id)
        assert (after.state, after.attempt, after.losses, after.reason) == ("queued", 0, 0, "")
        assert (after.finished_at, after.published_at) == (None, None)
        assert claim(ref).claimed.attempt == 1

    def test_its_fence_goes_on_rising(self):
        ref = dead_job()
        replay(ref)

        assert claim(ref).claimed.fence == 2

    def test_its_letter_says_who_replayed_it_and_why(self):
        ref = dead_job()
        replay(ref)

        assert handled(ref) == ("replayed", "user:7", "mended")
        assert letter(ref).handled_at

    @pytest.mark.parametrize("make", [queued_job, lambda of: running_job(of).ref])
    def test_what_is_not_dead_is_left_alone(self, make):
        ref = make(organization())
        before = row(ref).state

        assert replay(ref) == []
        assert row(ref).state == before

    def test_many_are_one_and_those_of_others_are_untouched(self):
        of, theirs = organization(), dead_job()
        mine = [dead_job(of) for _ in range(3)]
        forged = JobRef(organization_id=of.pk, job_id=theirs.job_id)

        moved = replay(*mine, queued_job(of), theirs, forged)

        assert {one.job_id for one in moved} == {ref.job_id for ref in mine}
        assert (row(theirs).state, letter(theirs).state) == ("dead", "open")

    @pytest.mark.django_db(transaction=True)
    def test_two_people_at_once_replay_it_once(self):
        ref = dead_job()

        moved = together(lambda: replay(ref), lambda: replay(ref))

        assert sorted(len(one) for one in moved) == [0, 1]


class TestDiscard:
    def test_a_discarded_job_will_not_run(self):
        ref = dead_job()

        assert discard(ref) == [ref]

        assert (row(ref).state, row(ref).reason) == ("cancelled", "discarded")
        assert handled(ref) == ("discarded", "user:7", "mended")
        assert claim(ref).answer == "finished"

    @pytest.mark.parametrize("make", [queued_job, lambda of: running_job(of).ref])
    def test_what_is_not_dead_is_left_alone(self, make):
        ref = make(organization())

        assert discard(ref) == []
        assert row(ref).reason == ""


class TestRestore:
    def test_a_discarded_job_is_dead_again_for_its_own_reason(self):
        ref = dead_job(reason="time_limit")
        discard(ref)

        assert restore(ref) == [ref]

        assert (row(ref).state, row(ref).reason) == ("dead", "time_limit")
        assert handled(ref) == ("open", "", "")
        assert letter(ref).handled_at is None

    def test_a_restored_job_can_be_replayed(self):
        ref = dead_job()
        discard(ref)
        restore(ref)

        assert len(replay(ref)) == 1

    def test_of_a_job_that_died_twice_the_last_letter_is_open_again(self):
        job = running_job()
        ref = job.ref
        for attempt in (job, None):
            with at(ref.organization_id):
                current = (
                    attempt
                    or transitions.claim([ref], worker_id="w", lease=timedelta(seconds=1))[
                        0
                    ].claimed
                )
                transitions.bury(
                    current, reason="x", failure=transitions.Failure(error_class="E", message="m")
                )
            if attempt:
                replay(ref)
        discard(ref)

        restore(ref)

        with at(ref.organization_id):
            states = DeadLetter.objects.filter(job_id=ref.job_id).values_list("state", flat=True)
            assert list(states) == ["open", "replayed"]

    def test_within_a_day_it_can_be_restored_and_later_not(self):
        just, late = dead_job(), dead_job()
        discard(just)
        discard(late)
        finished_before(just, "23 hours 59 minutes")
        finished_before(late, "24 hours 1 minute")

        assert restore(just) == [just]
        assert restore(late) == []
        assert row(late).state == "cancelled"

    def test_a_job_that_was_cancelled_is_not_restored(self):
        ref = queued_job()
        with at(ref.organization_id):
            transitions.cancel([ref], reason="cancelled")

        assert restore(ref) == []


def finished_before(ref, interval) -> None:
    """No door makes time pass."""
    with at(ref.organization_id), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE jobs_job SET finished_at = finished_at - %s::interval WHERE id = %s",
            [interval, ref.job_id],
        )


def test_an_operator_reaches_no_job_under_the_name_of_another_organization():
    theirs = dead_job()
    forged = JobRef(organization_id=organization().pk, job_id=theirs.job_id)
    with operator_scope("a test"), transaction.atomic():
        assert transitions.replay([forged], **BY) == []
        assert transitions.discard([forged], **BY) == []
    discard(theirs)
    with operator_scope("a test"), transaction.atomic():
        assert transitions.restore([forged]) == []


def test_a_second_death_has_a_letter_of_its_own():
    ref = dead_job()
    replay(ref)
    job = started(claim(ref))
    with at(ref.organization_id):
        transitions.bury(job, reason="time_limit", failure=Failure(error_class="B", message="b"))

    def letters():
        with at(ref.organization_id):
            found = DeadLetter.objects.filter(job_id=ref.job_id).order_by("pk")
            return list(found.values_list("state", flat=True))

    discard(ref)
    assert letters() == ["replayed", "discarded"]
    restore(ref)
    assert letters() == ["replayed", "open"]
    assert row(ref).reason == "time_limit"
