"""give_back: what was claimed and did not start goes back, uncounted, under its fence."""

from dataclasses import replace

import pytest
from django.db import transaction

from jobs.ledger import transitions
from jobs.ledger.failures import Failure
from jobs.ledger.transitions import JobRef
from tenancy.scope import scope
from tests.factories import organization
from tests.factories.jobs import at, claim, claimed_job, row, worker
from tests.integration.jobs.ledger.attempts import attempts, lost_job, vanished_job

pytestmark = pytest.mark.django_db


def give_back(of, *jobs):
    with at(of):
        return transitions.give_back(jobs)


def test_an_unstarted_job_is_queued_again_uncounted_and_anybody_s():
    of = organization()
    job = claimed_job(of)

    assert give_back(of, job) == [job.ref]

    after = row(job.ref)
    assert (after.state, after.attempt, after.worker_id) == ("queued", 0, "")
    assert attempts(job.ref) == []
    assert claim(job.ref).claimed.fence == 2


def test_a_suspect_stays_one_and_is_not_counted_again():
    ref = lost_job().ref
    alone = claim(ref).claimed
    assert row(ref).started_at

    assert give_back(ref.organization_id, alone) == [ref]

    assert (row(ref).losses, row(ref).started_at) == (1, None)
    assert claim(ref, suspects=False).answer == "suspect"
    assert claim(ref).claimed.losses == 1


def test_of_many_all_go_back():
    of = organization()
    jobs = [claimed_job(of) for _ in range(3)]

    assert set(give_back(of, *jobs)) == {job.ref for job in jobs}


def test_what_somebody_else_has_by_now_stays():
    late = vanished_job()
    now = claim(late.ref).claimed

    assert give_back(late.organization_id, late) == []
    assert (row(late.ref).state, row(late.ref).fence) == ("running", now.fence)


def test_what_its_own_worker_has_under_a_later_fence_stays():
    mine = worker()
    late = claimed_job(worker_id=mine)
    claim(late.ref, mine, suspects=False)

    assert give_back(late.organization_id, late) == []
    assert (row(late.ref).state, row(late.ref).worker_id) == ("running", mine)


def test_what_another_organization_has_stays():
    theirs = claimed_job()

    assert give_back(organization(), theirs) == []
    assert row(theirs.ref).state == "running"


def test_a_forged_pair_in_the_scope_of_both_gives_nothing_back():
    of, theirs = organization(), claimed_job()
    forged = replace(theirs, ref=JobRef(organization_id=of.pk, job_id=theirs.ref.job_id))

    with scope([of.pk, theirs.organization_id]), transaction.atomic():
        assert transitions.give_back([forged]) == []

    assert row(theirs.ref).state == "running"


def test_what_ended_without_having_started_stays():
    of = organization()
    job = claimed_job(of)
    with at(of):
        failure = Failure(error_class="PayloadInvalid", message="m")
        transitions.bury(job, reason="payload_invalid", failure=failure)

    assert give_back(of, job) == []
    assert row(job.ref).state == "dead"
