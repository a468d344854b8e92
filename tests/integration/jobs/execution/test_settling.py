"""settling: jobs of many threads share a trip at their end, and share nothing else."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection

from jobs.errors import LeaseLost
from jobs.execution.in_hand import in_hand
from jobs.execution.settling import Settler
from jobs.ledger import transitions
from jobs.ledger.failures import Failure
from jobs.ledger.models import Job
from jobs.ledger.publish import queues
from jobs.ledger.transitions import JobRef
from tenancy.postgresql.flush import Statement
from tests.factories import organization
from tests.factories.jobs import (
    at,
    claim,
    fall_silent,
    queued_job,
    queued_jobs,
    row,
    running_job,
    started,
    worker,
)
from tests.integration.jobs.execution.looking import attempts, until
from tests.integration.jobs.execution.settled import held, lost_job
from tests.threads import elsewhere
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def batches(monkeypatch):
    """How many jobs each common statement was asked for."""
    taken, real = [], transitions.settling_many

    def counted(jobs):
        taken.append(len(jobs))
        return real(jobs)

    monkeypatch.setattr(transitions, "settling_many", counted)
    return taken


def settled_at_once(settler, *jobs):
    """As jobs that end during a commit, which takes as long as we like; what became of each."""
    with held(settler):
        return [settler.settle(job) for job in jobs]


def test_those_that_end_during_a_commit_share_the_next(settler, batches):
    jobs = [running_job() for _ in range(4)]

    written = settled_at_once(settler, *jobs)

    assert [one.result(20) for one in written] == [None] * 4
    assert len(batches) < 4
    assert sum(batches) == 4
    assert {row(job.ref).state for job in jobs} == {"succeeded"}
    assert [attempts(job.ref)[0].outcome for job in jobs] == ["succeeded"] * 4


def test_a_lost_fence_undoes_nobody_else_s(settler):
    late, others = lost_job(), [running_job() for _ in range(2)]

    first, lost, last = settled_at_once(settler, others[0], late, others[1])

    with pytest.raises(LeaseLost):
        lost.result(20)
    assert (first.result(20), last.result(20)) == (None, None)
    assert [row(job.ref).state for job in others] == ["succeeded"] * 2
    assert (row(late.ref).state, row(late.ref).fence) == ("running", 2)


def test_nobody_waits_for_a_job_that_somebody_has_locked(settler):
    locked, free = running_job(), running_job()

    with at(locked.organization_id):
        transitions.request_cancel([locked.ref])
        waits, goes = [settler.settle(job) for job in (locked, free)]
        assert goes.result(20) is None
        with elsewhere() as begin:
            assert begin(row, free.ref).result().state == "succeeded"
        assert not waits.done()

    assert waits.result(20) is None
    assert row(locked.ref).state == "succeeded"


def test_a_common_statement_that_fails_is_nobody_s_error(settler, monkeypatch):
    jobs = [running_job() for _ in range(3)]

    def fail(_):
        connection.cursor().execute("SELECT 1 / 0")

    with monkeypatch.context() as broken:
        broken.setattr(transitions, "settling_many", fail)
        written = settled_at_once(settler, *jobs)
        assert [one.result(20) for one in written] == [None] * 3

    assert {row(job.ref).state for job in jobs} == {"succeeded"}


def test_of_two_claims_of_one_job_only_the_later_settles(settler):
    first = running_job()
    later = replace(first, fence=first.fence + 1)
    with at(first.organization_id), connection.cursor() as cursor:
        cursor.execute("UPDATE jobs_job SET fence = fence + 1 WHERE id = %s", [first.ref.job_id])

    lost, written = settled_at_once(settler, first, later)

    assert isinstance(lost.exception(20), LeaseLost)
    assert written.exception(20) is None
    assert [one.fence for one in attempts(first.ref)] == [later.fence]


def test_a_forged_pair_among_those_of_its_organization_settles_nothing(settler):
    of, other = organization(), organization()
    honest, theirs, victim = running_job(of), running_job(other), running_job(other)
    forged = replace(victim, ref=JobRef(organization_id=of.pk, job_id=victim.ref.job_id))

    *written, refused = settled_at_once(settler, honest, theirs, forged)

    assert isinstance(refused.exception(20), LeaseLost)
    assert [one.result(20) for one in written] == [None, None]
    assert row(victim.ref).state == "running"


def test_one_that_has_ended_under_this_fence_is_not_settled_again(settler):
    job = running_job()
    with at(job.organization_id):
        failure = Failure(error_class="E", message="m")
        transitions.bury(job, reason="permanent_error", failure=failure)

    assert isinstance(settler.settle(job).exception(20), LeaseLost)
    assert row(job.ref).state == "dead"


def test_what_happened_before_is_over_and_its_attempts_stay_as_they_ended(settler):
    failed, silent = running_job(), worker()
    with at(failed.organization_id):
        failure = Failure(error_class="E", message="m")
        transitions.retry(failed, delay=timedelta(0), failure=failure)
    started(claim(failed.ref, silent))
    fall_silent(silent)
    job = started(claim(failed.ref))
    with at(job.organization_id):
        transitions.begin_effect(job, "e-1")
    assert row(job.ref).losses == 1

    assert settler.settle(job).result(20) is None

    after = row(job.ref)
    assert (after.state, after.losses, after.effect_state) == ("succeeded", 0, "confirmed")
    assert (after.error_class, after.error_message) == ("", "")
    assert [one.outcome for one in attempts(job.ref)] == ["failed", "lost", "succeeded"]


def test_outside_a_worker_it_is_written_when_the_call_returns(transactional_db):
    job = running_job()

    written = Settler().settle(job)

    assert written.done()
    assert row(job.ref).state == "succeeded"


def test_one_that_stops_leaves_nothing_unwritten(transactional_db):
    settler, jobs = Settler(), [running_job() for _ in range(3)]
    settler.start()
    written = [settler.settle(job) for job in jobs]

    settler.stop()

    assert all(one.done() for one in written)
    assert {row(job.ref).state for job in jobs} == {"succeeded"}


def test_its_thread_goes_on_and_its_message_stays_until_it_is_written(declare, start_worker):
    of, begun, go_on, ran = organization(), threading.Event(), threading.Event(), []

    def perform(run):
        ran.append(run.job.ref)
        begun.set()
        go_on.wait(20)

    refs = queued_jobs(of, 2, declare(perform, effect="outside"))
    start_worker(threads=1)
    begun.wait(20)

    with at(of):
        Job.objects.select_for_update().get(pk=ran[0].job_id)
        go_on.set()
        eventually(lambda: len(ran) == 2)
        eventually(lambda: queues().totals("backfill").leased == 1)
        assert row(ran[0]).state == "running"
        assert ran[0] in in_hand

    assert [until(ref, "succeeded").attempt for ref in refs] == [1, 1]
    eventually(lambda: queues().totals("backfill").leased == 0)
    assert not in_hand.refs() & set(refs)


def test_an_end_that_postgresql_refuses_is_a_failed_attempt(declare, start_worker, monkeypatch):
    fences, real = [], transitions.settling

    def refused(job):
        return real(job) if job.fence > 1 else Statement(name="refused", sql="SELECT 1 / 0")

    monkeypatch.setattr(transitions, "settling", refused)
    monkeypatch.setattr(transitions, "settling_many", lambda jobs: refused(jobs[0]))
    ref = queued_job(job_type=declare(lambda run: fences.append(run.job.fence), effect="outside"))

    start_worker()

    assert until(ref, "succeeded").attempt == 2
    assert [one.outcome for one in attempts(ref)] == ["failed", "succeeded"]
    assert fences == [1, 2]
