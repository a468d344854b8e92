"""replay: a dead job is due again with all its attempts; its dead letter is handled."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from jobs.ledger import transitions
from jobs.ledger.failures import Failure
from jobs.ledger.transitions import JobRef
from tenancy.scope import scope
from tests.factories import organization
from tests.factories.jobs import at, claim, dead_job, queued_job, row, running_job, started
from tests.integration.jobs.ledger.attempts import taken_over_job
from tests.integration.jobs.ledger.letters import (
    BY,
    handled,
    letters,
    replay,
    states,
)
from tests.threads import elsewhere, until_somebody_waits_for_a_lock

pytestmark = pytest.mark.django_db


def test_a_dead_job_is_due_with_all_its_attempts():
    ref = dead_job()

    [in_line] = replay(ref)

    after = row(ref)
    assert (in_line.organization_id, in_line.job_id) == (ref.organization_id, ref.job_id)
    assert (after.state, after.attempt, after.reason, after.worker_id) == ("queued", 0, "", "")
    assert (after.finished_at, after.published_at, after.started_at) == (None, None, None)
    assert claim(ref).claimed.attempt == 1


def test_it_is_due_from_now_on():
    ref = dead_job()
    died = row(ref).finished_at

    replay(ref)

    assert died < row(ref).run_at <= datetime.now(UTC) + timedelta(seconds=5)


def test_the_workers_that_died_under_it_are_forgotten():
    job = taken_over_job()
    with at(job.organization_id):
        failure = Failure(error_class="WorkerLost", message="m")
        transitions.bury(job, reason="worker_lost", failure=failure)
    assert row(job.ref).losses == 1

    replay(job.ref)

    assert row(job.ref).losses == 0


def test_its_fence_goes_on_rising():
    ref = dead_job()
    replay(ref)

    assert claim(ref).claimed.fence == 2


def test_its_letter_says_who_replayed_it_and_why():
    ref = dead_job()
    replay(ref)

    assert handled(ref) == ("replayed", "user:7", "mended")
    assert letters(ref)[0].handled_at


def test_the_letter_of_an_earlier_death_says_what_it_said():
    ref = dead_job()
    replay(ref)
    first = letters(ref)[0].handled_at
    job = started(claim(ref))
    with at(ref.organization_id):
        transitions.bury(job, reason="x", failure=Failure(error_class="E", message="m"))

    replay(ref)

    assert states(ref) == ["replayed", "replayed"]
    assert letters(ref)[0].handled_at == first


@pytest.mark.parametrize("make", [queued_job, lambda of: running_job(of).ref])
def test_what_is_not_dead_is_left_alone(make):
    ref = make(organization())
    before = row(ref).state

    assert replay(ref) == []
    assert row(ref).state == before


def test_many_are_one_and_those_of_others_are_untouched():
    of, theirs = organization(), dead_job()
    mine, another = [dead_job(of) for _ in range(3)], dead_job(of)
    forged = JobRef(organization_id=of.pk, job_id=theirs.job_id)

    moved = replay(*mine, queued_job(of), theirs, forged)

    assert {one.job_id for one in moved} == {ref.job_id for ref in mine}
    assert (row(theirs).state, states(theirs)) == ("dead", ["open"])
    assert states(another) == ["open"]


def test_a_forged_pair_in_the_scope_of_both_reaches_nothing():
    of, theirs = organization(), dead_job()
    forged = JobRef(organization_id=of.pk, job_id=theirs.job_id)

    with scope([of.pk, theirs.organization_id]), transaction.atomic():
        assert transitions.replay([forged], **BY) == []

    assert row(theirs).state == "dead"


@pytest.mark.django_db(transaction=True)
def test_two_people_at_once_replay_it_once():
    ref = dead_job()

    with elsewhere() as begin, at(ref.organization_id):
        first = transitions.replay([ref], **BY)
        late = begin(replay, ref)
        until_somebody_waits_for_a_lock()

    assert (len(first), late.result()) == (1, [])
