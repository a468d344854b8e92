"""claim: a waiting job goes to one worker under its next fence; the answer tells all others."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction

from jobs.ledger import transitions
from jobs.ledger.failures import Failure
from jobs.ledger.models import Attempt
from jobs.ledger.statements import run
from jobs.ledger.states import Hold
from jobs.ledger.transitions import JobRef
from tenancy.acting import Actor, acting
from tenancy.scope import engine_scope, scope
from tests.factories import organization, project
from tests.factories.jobs import (
    LEASE,
    Note,
    at,
    claim,
    dead_job,
    fall_silent,
    note_type,
    queued_job,
    row,
    running_job,
    started,
    worker,
)
from tests.threads import elsewhere, together, until_somebody_waits_for_a_lock

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def retry(job, delay=timedelta(0)):
    with at(job.ref.organization_id):
        transitions.retry(job, delay=delay, failure=Failure(error_class="E", message="m"))


def attempts(ref) -> list[tuple[int, int, str]]:
    with at(ref.organization_id):
        found = Attempt.objects.filter(job_id=ref.job_id)
        return [(one.number, one.fence, one.outcome) for one in found]


def test_a_due_job_is_claimed_with_all_that_an_attempt_needs():
    of, job_type = organization(), note_type(max_retries=2)
    mine = project(of)
    with acting(Actor.user(7), source="web", correlation_id="c-1"):
        ref = queued_job(
            of, job_type, payload=Note(text="hi"), project_id=mine.pk, entity=("mission", "9")
        )

    job = claim(ref).claimed

    assert (job.ref, job.fence, job.attempt, job.attempts_left, job.losses) == (ref, 1, 1, 2, 0)
    assert (job.job_type, job.group) == (job_type.name, "backfill")
    assert (job.payload, job.project_id, job.entity) == ({"text": "hi"}, mine.pk, ("mission", "9"))
    assert (job.actor_id, job.correlation_id) == ("user:7", "c-1")
    assert (job.effect_id, job.effect_state) == ("", "not_begun")
    assert job.wait_seconds >= 0


def test_a_claimed_job_is_somebody_s_and_has_not_started():
    worker_id = worker()
    ref = queued_job()

    claim(ref, worker_id)

    job = row(ref)
    assert (job.state, job.worker_id, job.fence) == ("running", worker_id, 1)
    assert job.claimed_at
    assert job.started_at is None
    assert attempts(ref) == []


@pytest.mark.parametrize("fate", ["succeeded", "dead", "cancelled", "scheduled", "held"])
def test_what_is_not_to_run_now_is_answered_finished(fate):
    job = None
    match fate:
        case "dead":
            ref = dead_job()
        case "cancelled":
            ref = queued_job()
            with at(ref.organization_id):
                transitions.cancel([ref], reason="cancelled")
        case "scheduled":
            ref = queued_job(run_at=datetime.now(UTC) + timedelta(hours=1))
        case _:
            job = running_job()
            ref = job.ref
            with at(ref.organization_id):
                if fate == "held":
                    transitions.hold(job, Hold.ORGANIZATION_SUSPENDED)
                else:
                    transitions.settle(job)
    before = row(ref)

    answer = claim(ref)

    assert (answer.answer, answer.claimed) == ("finished", None)
    assert (row(ref).state, row(ref).fence) == (before.state, before.fence)


def test_a_job_that_a_living_worker_runs_is_held_for_the_rest_of_its_lease():
    ref = running_job(worker_id=worker(seen=timedelta(seconds=20))).ref

    answer = claim(ref)

    assert (answer.answer, answer.claimed) == ("held", None)
    assert timedelta(0) < answer.delay <= LEASE - timedelta(seconds=20)
    assert row(ref).fence == 1


def test_a_job_that_backs_off_is_not_due_for_the_rest_of_its_delay():
    job = running_job()
    retry(job, timedelta(minutes=5))

    answer = claim(job.ref)

    assert (answer.answer, answer.claimed) == ("not_due", None)
    assert timedelta(minutes=4) < answer.delay <= timedelta(minutes=5)


def test_a_job_that_backed_off_long_enough_is_claimed_for_its_next_attempt():
    job = running_job()
    retry(job)

    again = started(claim(job.ref))

    assert (again.fence, again.attempt, again.attempts_left) == (2, 2, 1)
    assert attempts(job.ref) == [(1, 1, "failed"), (2, 2, "")]


def test_a_job_that_is_nowhere_is_unknown():
    nowhere = JobRef(organization_id=organization().pk, job_id=uuid4())

    assert claim(nowhere).answer == "unknown"


def test_a_job_of_another_organization_is_unknown_and_untouched():
    theirs = queued_job()
    forged = JobRef(organization_id=organization().pk, job_id=theirs.job_id)

    assert claim(forged).answer == "unknown"
    assert (row(theirs).state, row(theirs).fence) == ("queued", 0)


def test_a_forged_pair_in_a_batch_of_both_organizations_reaches_nothing():
    ours, theirs = organization(), organization()
    honest = [queued_job(ours), queued_job(theirs)]
    target = queued_job(theirs)
    forged = JobRef(organization_id=ours.pk, job_id=target.job_id)

    with scope([ours, theirs]), transaction.atomic():
        answers = transitions.claim([*honest, forged], worker_id=worker(), lease=LEASE)

    assert {one.ref: one.answer for one in answers} == {
        honest[0]: "claimed",
        honest[1]: "claimed",
        forged: "unknown",
    }
    assert row(target).state == "queued"


def test_a_batch_answers_for_each_job():
    of = organization()
    due, running = queued_job(of), running_job(of).ref
    gone = JobRef(organization_id=of.pk, job_id=uuid4())

    with at(of):
        answers = transitions.claim([due, running, gone, due], worker_id=worker(), lease=LEASE)

    assert {one.ref: one.answer for one in answers} == {
        due: "claimed",
        running: "held",
        gone: "unknown",
    }


class TestTakeover:
    """A job whose worker died goes to the next one."""

    def test_it_counts_a_loss_and_uses_no_retry(self):
        worker_id = worker()
        job = running_job(worker_id=worker_id)
        fall_silent(worker_id)

        again = started(claim(job.ref))

        assert (again.fence, again.attempt, again.losses) == (2, 1, 1)
        assert attempts(job.ref) == [(1, 1, "lost"), (1, 2, "")]

    def test_it_happens_as_soon_as_the_lease_is_over_and_not_before(self):
        worker_id = worker()
        job = running_job(worker_id=worker_id)

        fall_silent(worker_id, LEASE - SECOND)
        assert claim(job.ref).answer == "held"
        fall_silent(worker_id, LEASE + SECOND)
        assert claim(job.ref).answer == "claimed"

    def test_a_worker_that_signed_off_holds_nothing(self):
        worker_id = worker()
        job = running_job(worker_id=worker_id)
        with engine_scope(), transaction.atomic():
            run("sign_off", {"id": worker_id})

        assert claim(job.ref).answer == "claimed"

    def test_a_worker_that_nobody_knows_holds_nothing(self):
        job = running_job(worker_id="host:1:never-seen")

        assert claim(job.ref).answer == "claimed"

    def test_every_death_is_counted(self):
        ref = queued_job()
        for _ in range(3):
            worker_id = worker()
            job = started(claim(ref, worker_id))
            fall_silent(worker_id)

        assert job.losses == 2
        assert claim(ref).claimed.losses == 3


class TestSuspects:
    """Jobs under which a worker died, for a worker that does not ask for them."""

    def ask(self, ref, worker_id=None):
        with at(ref.organization_id):
            [answer] = transitions.claim(
                [ref], worker_id=worker_id or worker(), lease=LEASE, suspects=False
            )
        return answer

    def lost(self) -> JobRef:
        silent = worker()
        job = running_job(worker_id=silent)
        fall_silent(silent)
        return job.ref

    def test_one_whose_worker_has_died_is_left_alone(self):
        ref = self.lost()

        assert self.ask(ref).answer == "suspect"
        assert (row(ref).fence, row(ref).losses) == (1, 0)

    def test_one_that_was_given_back_since_is_left_alone(self):
        ref = self.lost()
        job = claim(ref).claimed
        with at(ref.organization_id):
            transitions.release(job)

        assert self.ask(ref).answer == "suspect"

    def test_one_that_ended_an_attempt_alive_is_clear(self):
        ref = self.lost()
        retry(claim(ref).claimed)

        assert self.ask(ref).claimed.losses == 0

    def test_one_that_succeeded_keeps_its_lost_attempt_and_no_count(self):
        ref = self.lost()
        job = started(claim(ref))
        with at(ref.organization_id):
            transitions.settle(job)

        assert row(ref).losses == 0
        assert [outcome for _, _, outcome in attempts(ref)] == ["lost", "succeeded"]

    def test_one_that_is_held_or_not_due_or_finished_is_answered_so(self):
        held = running_job()
        assert self.ask(held.ref).answer == "held"
        retry(held, timedelta(minutes=5))
        assert self.ask(held.ref).answer == "not_due"
        assert self.ask(dead_job()).answer == "finished"

    def test_any_other_is_claimed(self):
        assert self.ask(queued_job()).answer == "claimed"


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    """Two workers ask for the same job."""

    def test_the_second_waits_for_the_first_and_finds_it_held(self):
        ref, first_id, second_id = queued_job(), worker(), worker()

        with elsewhere() as begin, at(ref.organization_id):
            [first] = transitions.claim([ref], worker_id=first_id, lease=LEASE)
            late = begin(claim, ref, second_id)
            until_somebody_waits_for_a_lock()

        assert (first.answer, late.result().answer) == ("claimed", "held")

    def test_the_second_gets_it_when_the_first_rolls_back(self):
        ref, first_id, second_id = queued_job(), worker(), worker()

        with elsewhere() as begin, at(ref.organization_id):
            transitions.claim([ref], worker_id=first_id, lease=LEASE)
            late = begin(claim, ref, second_id)
            until_somebody_waits_for_a_lock()
            transaction.set_rollback(True)

        assert late.result().claimed.fence == 1

    def test_of_many_one_gets_it(self):
        ref, workers = queued_job(), [worker() for _ in range(8)]

        answers = together(*[lambda one=one: claim(ref, one).answer for one in workers])

        assert sorted(answers) == ["claimed"] + ["held"] * 7

    def test_a_settled_job_is_finished_for_whoever_waited(self):
        job = running_job()

        with elsewhere() as begin, at(job.ref.organization_id):
            transitions.settle(job)
            late = begin(claim, job.ref)
            until_somebody_waits_for_a_lock()

        assert late.result().answer == "finished"

    def test_a_worker_that_came_while_the_second_waited_is_a_living_one(self):
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


def lock(ref):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM jobs_job WHERE id = %s FOR UPDATE", [ref.job_id])


def beat_here(worker_id):
    """The first sign of life of a worker, in the transaction of the caller."""
    of = {"host": "host", "pid": 1, "queue_groups": "[]", "version": "1", "job_ids": []}
    with engine_scope():
        run("beat", {"id": worker_id} | of)
