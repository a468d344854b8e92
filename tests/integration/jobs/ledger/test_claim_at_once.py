"""claim: two workers ask for the same job."""

import pytest
from django.db import connection, transaction

from jobs.ledger import transitions
from jobs.ledger.statements import run
from jobs.ledger.transitions import JobRef
from tenancy.scope import engine_scope, scope
from tests.factories import organization
from tests.factories.jobs import LEASE, at, claim, queued_job, running_job, worker
from tests.threads import elsewhere, together, until_somebody_waits_for_a_lock

pytestmark = pytest.mark.django_db(transaction=True)


def lock(ref):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM jobs_job WHERE id = %s FOR UPDATE", [ref.job_id])


def beat_here(worker_id):
    """The first sign of life of a worker, in the transaction of the caller."""
    of = {"host": "host", "pid": 1, "queue_groups": "[]", "version": "1"}
    with engine_scope():
        run("beat", {"id": worker_id, "begun": [], "ran": []} | of)


def test_the_second_waits_for_the_first_and_finds_it_held():
    ref, first_id, second_id = queued_job(), worker(), worker()

    with elsewhere() as begin, at(ref.organization_id):
        [first] = transitions.claim([ref], worker_id=first_id, lease=LEASE)
        late = begin(claim, ref, second_id)
        until_somebody_waits_for_a_lock()

    assert (first.answer, late.result().answer) == ("claimed", "held")


def test_the_second_gets_it_when_the_first_rolls_back():
    ref, first_id, second_id = queued_job(), worker(), worker()

    with elsewhere() as begin, at(ref.organization_id):
        transitions.claim([ref], worker_id=first_id, lease=LEASE)
        late = begin(claim, ref, second_id)
        until_somebody_waits_for_a_lock()
        transaction.set_rollback(True)

    assert late.result().claimed.fence == 1


def test_of_many_one_gets_it():
    ref, workers = queued_job(), [worker() for _ in range(8)]

    answers = together(*[lambda one=one: claim(ref, one).answer for one in workers])

    assert sorted(answers) == ["claimed"] + ["held"] * 7


def test_a_settled_job_is_finished_for_whoever_waited():
    job = running_job()

    with elsewhere() as begin, at(job.ref.organization_id):
        transitions.settle(job)
        late = begin(claim, job.ref)
        until_somebody_waits_for_a_lock()

    assert late.result().answer == "finished"


def test_a_worker_that_came_while_the_second_waited_is_a_living_one():
    """Whoever waits for a lock must not judge by what it saw before."""
    ref, second_id = queued_job(), worker()

    with elsewhere() as begin, at(ref.organization_id):
        lock(ref)
        late = begin(claim, ref, second_id)
        until_somebody_waits_for_a_lock()
        # New, and not yet committed when the second one began to wait.
        first_id = "host:1:of this transaction"
        beat_here(first_id)
        [first] = transitions.claim([ref], worker_id=first_id, lease=LEASE)

    assert (first.answer, late.result().answer) == ("claimed", "held")


def test_a_forged_pair_waits_for_nobody():
    ours, theirs = organization(), queued_job()
    forged = JobRef(organization_id=ours.pk, job_id=theirs.job_id)

    def claim_forged():
        with scope([ours.pk, theirs.organization_id]), transaction.atomic():
            [answer] = transitions.claim([forged], worker_id=worker(), lease=LEASE)
            return answer.answer

    with elsewhere() as begin, at(theirs.organization_id):
        lock(theirs)
        assert begin(claim_forged).result(10) == "unknown"
