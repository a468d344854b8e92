"""settling: jobs of many threads share a trip at their end, and share nothing else."""

import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from queue import SimpleQueue

import pytest
from django.db import DataError, IntegrityError, connection, transaction

from jobs.errors import LeaseLost
from jobs.execution.in_hand import in_hand
from jobs.execution.settling import Settler
from jobs.ledger import transitions
from jobs.ledger.failures import Failure
from jobs.ledger.models import Job
from jobs.ledger.publish import queues
from jobs.ledger.transitions import JobRef
from tenancy import changes
from tenancy.models import Mission
from tenancy.postgresql.flush import Statement
from tests.factories import mission, organization
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
from tests.threads import elsewhere
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def settler(transactional_db):
    """With a thread that settles, as in a worker."""
    settler = Settler()
    settler.start()
    yield settler
    settler.stop()


@pytest.fixture
def batches(monkeypatch):
    """How many jobs each common statement was asked for."""
    taken, real = [], transitions.settling_many

    def counted(jobs):
        taken.append(len(jobs))
        return real(jobs)

    monkeypatch.setattr(transitions, "settling_many", counted)
    return taken


def lost_job():
    silent = worker()
    job = running_job(worker_id=silent)
    fall_silent(silent)
    claim(job.ref)
    return job


def settled_at_once(settler, *jobs):
    """As jobs that end during a commit, which takes as long as we like; what became of each."""
    with held(settler):
        return [settler.settle(job) for job in jobs]


@contextmanager
def held(settler):
    """Its threads take what is left here once the block has ended."""
    line, settler._line = settler._line, SimpleQueue()
    yield
    while not settler._line.empty():
        line.put(settler._line.get())
    settler._line = line


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


TITLE = "UPDATE tenancy_mission SET title = %(title)s WHERE id = %(id)s"


def writes(place, sql=TITLE, name="tests.writes"):
    """An effect that no query of its actor's begins."""

    def perform(run):
        given = {"title": f"fence {run.job.fence}", "id": place.pk}
        run.write(Statement(name=name, sql=sql, parameters=given))

    return perform


def title(place):
    with at(place.organization_id):
        return Mission.objects.get(pk=place.pk).title


def test_an_effect_that_fails_undoes_itself_and_no_neighbour(settler):
    good, bad = mission(), mission()
    jobs = [running_job(one.organization) for one in (good, bad, good)]
    broken = Statement(name="tests.broken", sql="SELECT 1 / 0")

    with held(settler):
        written = [
            settler.settle(jobs[0], titled(good, "first")),
            settler.settle(jobs[1], titled(bad, "never"), broken),
            settler.settle(jobs[2], titled(good, "last")),
        ]

    assert isinstance(written[1].exception(20), DataError)
    assert [written[n].result(20) for n in (0, 2)] == [None, None]
    assert [row(job.ref).state for job in jobs] == ["succeeded", "running", "succeeded"]
    assert title(good) == "last"
    assert title(bad) != "never"


def titled(place, title):
    return Statement(name="tests.titled", sql=TITLE, parameters={"title": title, "id": place.pk})


def test_an_effect_reaches_only_rows_of_its_own_organization(settler):
    ours, theirs = mission(), mission()

    with held(settler):
        written = [
            settler.settle(running_job(ours.organization), titled(theirs, "ours now")),
            settler.settle(running_job(theirs.organization), titled(ours, "theirs now")),
        ]

    assert [one.result(20) for one in written] == [None, None]
    assert title(ours) != "theirs now"
    assert title(theirs) != "ours now"


def test_a_constraint_that_is_checked_late_is_its_own_job_s_error(settler):
    place = mission()
    orphan = Statement(
        name="tests.orphaned",
        sql="UPDATE tenancy_mission SET project_id = -1 WHERE id = %(id)s",
        parameters={"id": place.pk},
    )
    jobs = [running_job(place.organization), running_job()]

    with held(settler):
        refused, written = settler.settle(jobs[0], orphan), settler.settle(jobs[1])

    assert isinstance(refused.exception(20), IntegrityError)
    assert written.result(20) is None


def test_an_effect_under_a_lost_fence_is_undone(settler):
    place, late = mission(title="before"), lost_job()
    job = running_job(place.organization)

    with held(settler):
        lost = settler.settle(late, Statement(name="tests.one", sql="SELECT 1"))
        written = settler.settle(job, titled(place, "after"))

    assert isinstance(lost.exception(20), LeaseLost)
    assert written.result(20) is None
    assert title(place) == "after"


def test_an_effect_that_takes_long_keeps_nobody_waiting_and_its_next_is_its_own_thread_s(settler):
    sleeps = Statement(name="tests.sleeps", sql="SELECT pg_sleep(1)")
    slow, quick = running_job(), running_job()

    with held(settler):
        written = [settler.settle(slow, sleeps), settler.settle(quick)]

    assert written[1].result(20) is None
    eventually(lambda: not settler.takes(slow))
    assert settler.takes(quick)
    assert written[0].result(20) is None
    assert row(slow.ref).state == "succeeded"


def test_what_its_actor_did_in_the_orm_stays_in_one_transaction_with_the_rest(
    declare, start_worker
):
    place = mission()

    def perform(run):
        changes.update(Mission.objects.get(pk=place.pk), title="by the ORM")
        writes(place)(run)
        raise_once(run)

    def raise_once(run):
        if run.job.attempt == 1:
            raise ConnectionError

    ref = queued_job(place.organization, declare(perform))
    start_worker()

    assert until(ref, "succeeded").attempt == 2
    assert title(place) == "fence 2"


def test_what_is_to_run_after_the_commit_runs_after_it(declare, start_worker):
    place, seen = mission(), []

    def perform(run):
        writes(place)(run)
        transaction.on_commit(lambda: seen.append(title(place)))

    ref = queued_job(place.organization, declare(perform))
    start_worker()

    until(ref, "succeeded")
    eventually(lambda: seen == ["fence 1"])


@pytest.mark.parametrize(
    "spoils", ["BEGIN", "DEALLOCATE ALL", "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"]
)
def test_a_statement_that_changes_the_session_completes_nobody_wrongly(settler, spoils):
    places = [mission() for _ in range(4)]
    jobs = [running_job(one.organization) for one in places]
    spoiling = Statement(name=f"tests.spoils.{spoils[:5]}", sql=spoils)

    with held(settler):
        written = [settler.settle(jobs[0], titled(places[0], "spoilt"), spoiling)]
        written += [
            settler.settle(job, titled(place, "kept"))
            for job, place in zip(jobs[1:], places[1:], strict=True)
        ]
    ended = [one.exception(20) for one in written[1:]]

    assert all(error is None or isinstance(error, LeaseLost) for error in ended)
    assert [title(place) for place in places[1:]] == ["kept"] * 3
    assert {row(job.ref).state for job in jobs[1:]} == {"succeeded"}


def test_a_write_that_fails_on_a_locked_row_keeps_nobody_waiting(settler):
    jobs = [running_job() for _ in range(2)]
    free, broken = running_job(), Statement(name="tests.broken", sql="SELECT 1 / 0")

    def lock_and_fail(job):
        written = settler.settle(job, broken)
        written.add_done_callback(lambda _: row_locked.wait(20))

    row_locked = threading.Event()
    for job in jobs:
        lock_and_fail(job)

    assert settler.settle(free).result(20) is None
    row_locked.set()


def test_whoever_stops_waits_for_what_is_settled_apart(transactional_db):
    settler, slow = Settler(), running_job()
    settler.start()
    written = settler.settle(slow, Statement(name="tests.sleeps", sql="SELECT pg_sleep(1)"))

    settler.stop()

    assert written.done()
    assert row(slow.ref).state == "succeeded"
