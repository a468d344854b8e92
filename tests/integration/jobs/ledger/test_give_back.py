"""give_back: what a worker claimed and did not start goes back, uncounted."""

import pytest
from django.db import transaction

from jobs.ledger import transitions
from jobs.ledger.failures import Failure
from jobs.ledger.transitions import JobRef
from tenancy.scope import scope
from tests.factories import organization
from tests.factories.jobs import at, claim, queued_job, row, running_job, worker

pytestmark = pytest.mark.django_db


def give_back(of, refs, worker_id):
    with at(of):
        return transitions.give_back(refs, worker_id=worker_id)


def test_an_unstarted_job_is_queued_again_uncounted_and_anybody_s():
    of, mine = organization(), worker()
    ref = queued_job(of)
    claim(ref, mine)

    assert give_back(of, [ref], mine) == [ref]

    job = row(ref)
    assert (job.state, job.attempt, job.worker_id) == ("queued", 0, "")
    assert claim(ref).claimed.fence == 2


def test_what_has_started_stays():
    of, mine = organization(), worker()
    ref = running_job(of, worker_id=mine).ref

    assert give_back(of, [ref], mine) == []
    assert row(ref).state == "running"


def test_what_another_worker_has_stays():
    of = organization()
    ref = queued_job(of)
    claim(ref)

    assert give_back(of, [ref], worker()) == []
    assert row(ref).state == "running"


def test_what_another_organization_has_stays():
    of, mine = organization(), worker()
    theirs = queued_job()
    claim(theirs, mine)

    assert give_back(of, [theirs], mine) == []
    assert row(theirs).state == "running"


def test_a_forged_pair_in_the_scope_of_both_gives_nothing_back():
    of, mine, theirs = organization(), worker(), queued_job()
    claim(theirs, mine)
    forged = JobRef(organization_id=of.pk, job_id=theirs.job_id)

    with scope([of.pk, theirs.organization_id]), transaction.atomic():
        assert transitions.give_back([forged], worker_id=mine) == []

    assert row(theirs).state == "running"


def test_what_ended_without_having_started_stays():
    of, mine = organization(), worker()
    job = claim(queued_job(of), mine).claimed
    with at(of):
        failure = Failure(error_class="PayloadInvalid", message="m")
        transitions.bury(job, reason="payload_invalid", failure=failure)

    assert give_back(of, [job.ref], mine) == []
    assert row(job.ref).state == "dead"
