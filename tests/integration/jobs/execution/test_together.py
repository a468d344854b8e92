"""Starts and settles of several threads share a commit, and share nothing else."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, transaction

from jobs.errors import LeaseLost
from jobs.execution import together as module
from jobs.execution.together import Together
from jobs.ledger import transitions
from jobs.ledger.failures import Failure
from jobs.ledger.transitions import ClaimAnswer, JobRef
from tenancy import changes
from tenancy.models import Organization
from tenancy.scope import scope
from tests.factories import organization
from tests.factories.jobs import (
    at,
    claim,
    fall_silent,
    queued_job,
    row,
    running_job,
    started,
    worker,
)
from tests.integration.jobs.execution.looking import attempts
from tests.threads import elsewhere, until_somebody_waits_for_a_lock
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


def claim_answer_of(job) -> ClaimAnswer:
    return ClaimAnswer(ref=job.ref, answer="claimed", claimed=job, delay=timedelta(0))


class Crowd:
    """Threads that come to start or settle while somebody else is committing."""

    def __init__(self, begin):
        self.together = Together()
        self._begin = begin

    def come(self, jobs, *, to="settle"):
        """All of them ask, one after the other; what becomes of each."""
        coming = []
        for number, job in enumerate(jobs, start=1):
            coming.append(self._begin(self._ask, job, to))
            eventually(lambda number=number: len(self.line(to).asked) == number)
        return coming

    def line(self, to="settle"):
        return self.together.starts if to == "start" else self.together.settles

    def _ask(self, job, to):
        with scope(job.organization_id):
            return getattr(self.together, to)(job)


@pytest.fixture
def commits(monkeypatch):
    """How many jobs each common commit took."""
    taken = []

    def counted(name):
        real = getattr(module, name)

        def write(batch):
            taken.append(len(batch))
            real(batch)

        monkeypatch.setattr(module, name, write)

    counted("_start")
    counted("_settle")
    return taken


def lost_job():
    silent = worker()
    job = running_job(worker_id=silent)
    fall_silent(silent)
    claim(job.ref)
    return job


def claimed_job():
    return claim(queued_job()).claimed


def test_those_who_come_during_a_commit_share_the_next(commits):
    jobs = [running_job() for _ in range(4)]

    with elsewhere() as begin:
        crowd = Crowd(begin)
        with crowd.line().committing:
            coming = crowd.come(jobs)

    assert [one.result() for one in coming] == [None] * 4
    assert commits == [4]
    assert {row(job.ref).state for job in jobs} == {"succeeded"}
    assert [attempts(job.ref)[0].outcome for job in jobs] == ["succeeded"] * 4


def test_a_lost_fence_undoes_nobody_else_s(commits):
    late, others = lost_job(), [running_job() for _ in range(2)]

    with elsewhere() as begin:
        crowd = Crowd(begin)
        with crowd.line().committing:
            coming = crowd.come([others[0], late, others[1]])

    with pytest.raises(LeaseLost):
        coming[1].result()
    assert (commits, coming[0].result(), coming[2].result()) == ([3], None, None)
    assert [row(job.ref).state for job in others] == ["succeeded"] * 2
    assert (row(late.ref).state, row(late.ref).fence) == ("running", 2)


def test_a_job_that_somebody_has_locked_keeps_only_its_own_thread():
    locked, free = running_job(), running_job()

    with elsewhere() as begin:
        crowd = Crowd(begin)
        with at(locked.organization_id):
            transitions.request_cancel([locked.ref])
            with crowd.line().committing:
                coming = crowd.come([locked, free])
            assert coming[1].result(20) is None
            assert begin(row, free.ref).result().state == "succeeded"
            until_somebody_waits_for_a_lock()

    assert coming[0].result() is None
    assert row(locked.ref).state == "succeeded"


def test_a_common_statement_that_fails_is_nobody_s_error(monkeypatch):
    jobs = [running_job() for _ in range(3)]

    def fail(_):
        connection.cursor().execute("SELECT 1 / 0")

    with elsewhere() as begin:
        crowd = Crowd(begin)
        monkeypatch.setattr(crowd.together.settles, "_write", fail)
        with crowd.line().committing:
            coming = crowd.come(jobs)

    assert [one.result() for one in coming] == [None] * 3
    assert {row(job.ref).state for job in jobs} == {"succeeded"}


def test_a_start_under_an_older_fence_does_not_begin_the_claim_of_now():
    late = lost_job()
    assert row(late.ref).fence == late.fence + 1

    with scope(late.organization_id), pytest.raises(LeaseLost):
        Together().start(late)

    assert row(late.ref).started_at is None
    assert [one.fence for one in attempts(late.ref)] == [late.fence]


def test_of_two_claims_of_one_job_only_the_later_starts_and_settles():
    first = claimed_job()
    later = replace(first, fence=first.fence + 1)
    with at(first.organization_id), connection.cursor() as cursor:
        cursor.execute("UPDATE jobs_job SET fence = fence + 1 WHERE id = %s", [first.ref.job_id])

    for what, line in (("start", "start"), ("settle", "settle")):
        with elsewhere() as begin:
            crowd = Crowd(begin)
            with crowd.line(line).committing:
                coming = crowd.come([first, later], to=what)

        with pytest.raises(LeaseLost):
            coming[0].result()
        assert coming[1].exception() is None
    assert [one.fence for one in attempts(first.ref)] == [later.fence]


@pytest.mark.parametrize("how", ["alone", "together"])
def test_to_start_twice_under_one_fence_is_to_start_once(how):
    job = claimed_job()
    started(claim_answer_of(job))
    began = row(job.ref).started_at

    with elsewhere() as begin:
        crowd = Crowd(begin)
        with crowd.line("start").committing:
            coming = crowd.come([job], to="start")
        if how == "alone":
            coming = [begin(started, claim_answer_of(job))]

    assert coming[0].exception() is None
    assert row(job.ref).started_at == began
    assert len(attempts(job.ref)) == 1


def test_when_it_returns_its_completion_is_committed():
    job = running_job(organization())

    with scope(job.organization_id):
        Together().settle(job)

    with elsewhere() as begin:
        assert begin(row, job.ref).result().state == "succeeded"


def test_a_forged_pair_among_those_of_its_organization_settles_nothing():
    of, other = organization(), organization()
    honest, theirs, victim = running_job(of), running_job(other), running_job(other)
    forged = replace(victim, ref=JobRef(organization_id=of.pk, job_id=victim.ref.job_id))

    with elsewhere() as begin:
        crowd = Crowd(begin)
        with crowd.line().committing:
            coming = crowd.come([honest, theirs, forged])

    assert isinstance(coming[2].exception(), LeaseLost)
    assert [row(job.ref).state for job in (honest, theirs)] == ["succeeded"] * 2
    assert row(victim.ref).state == "running"


def test_one_that_has_ended_under_this_fence_is_not_settled_again():
    job = running_job()
    with at(job.organization_id):
        failure = Failure(error_class="E", message="m")
        transitions.bury(job, reason="permanent_error", failure=failure)

    with scope(job.organization_id), pytest.raises(LeaseLost):
        Together().settle(job)

    assert row(job.ref).state == "dead"


def test_what_happened_before_is_over_and_its_attempts_stay_as_they_ended():
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

    with scope(job.organization_id):
        Together().settle(job)

    after = row(job.ref)
    assert (after.state, after.losses, after.effect_state) == ("succeeded", 0, "confirmed")
    assert (after.error_class, after.error_message) == ("", "")
    assert [one.outcome for one in attempts(job.ref)] == ["failed", "lost", "succeeded"]


def test_those_who_start_share_a_commit_among_them(commits, logged):
    jobs = [claimed_job() for _ in range(3)]

    with elsewhere() as begin:
        crowd = Crowd(begin)
        with crowd.line("start").committing:
            coming = crowd.come(jobs, to="start")

    assert [one.result().job.ref for one in coming] == [job.ref for job in jobs]
    assert commits == [3]
    assert "not_written_together" not in [line["event"] for line in logged()]
    assert all(row(job.ref).started_at for job in jobs)
    assert [len(attempts(job.ref)) for job in jobs] == [1] * 3


def test_a_settle_does_not_wait_for_a_start():
    ending = running_job()

    with elsewhere() as begin:
        crowd = Crowd(begin)
        with crowd.line("start").committing:
            [coming] = crowd.come([claimed_job()], to="start")
            assert begin(crowd._ask, ending, "settle").result(20) is None

    assert coming.result()
    assert row(ending.ref).state == "succeeded"


def test_each_that_starts_hears_how_its_own_organization_stands():
    active, suspended = claimed_job(), claimed_job()
    with scope(suspended.organization_id), transaction.atomic():
        changes.update(Organization.objects.get(pk=suspended.organization_id), state="suspended")

    with elsewhere() as begin:
        crowd = Crowd(begin)
        with crowd.line("start").committing:
            coming = crowd.come([suspended, active], to="start")

    assert [one.result().standing[0]["is_active"] for one in coming] == [False, True]


def test_a_lost_fence_starts_nobody_and_stops_nobody_else(commits):
    late, other = lost_job(), claimed_job()

    with elsewhere() as begin:
        crowd = Crowd(begin)
        with crowd.line("start").committing:
            coming = crowd.come([late, other], to="start")

    with pytest.raises(LeaseLost):
        coming[0].result()
    assert (commits, coming[1].result().job.ref) == ([2], other.ref)
    assert row(other.ref).started_at


def test_a_job_that_somebody_has_locked_starts_later_and_alone():
    locked, free = claimed_job(), claimed_job()

    with elsewhere() as begin:
        crowd = Crowd(begin)
        with at(locked.organization_id):
            transitions.request_cancel([locked.ref])
            with crowd.line("start").committing:
                coming = crowd.come([locked, free], to="start")
            assert not coming[1].result(20).job.is_cancelled
            until_somebody_waits_for_a_lock()

    assert coming[0].result().job.is_cancelled


def test_a_forged_pair_among_those_of_its_organization_starts_nothing():
    of, other = organization(), organization()
    honest, theirs, victim = (claim(queued_job(one)).claimed for one in (of, other, other))
    forged = replace(victim, ref=JobRef(organization_id=of.pk, job_id=victim.ref.job_id))

    with elsewhere() as begin:
        crowd = Crowd(begin)
        with crowd.line("start").committing:
            coming = crowd.come([honest, theirs, forged], to="start")

    assert isinstance(coming[2].exception(), LeaseLost)
    assert [bool(row(job.ref).started_at) for job in (honest, theirs, victim)] == [
        True,
        True,
        False,
    ]


def test_one_that_has_ended_under_this_fence_does_not_start():
    job = claimed_job()
    with at(job.organization_id):
        transitions.settle(job)

    with scope(job.organization_id), pytest.raises(LeaseLost):
        Together().start(job)

    assert attempts(job.ref) == []


def test_one_that_starts_hears_how_long_it_waited_and_whether_its_end_was_asked_for():
    asked, other = claimed_job(), claimed_job()
    with at(asked.organization_id):
        transitions.request_cancel([asked.ref])

    begun = []
    for job in (asked, other):
        with scope(job.organization_id):
            begun.append(Together().start(job).job)

    assert [job.is_cancelled for job in begun] == [True, False]
    assert all(job.wait_seconds > 0 for job in begun)
    assert [attempts(job.ref)[0].outcome for job in begun] == ["", ""]
