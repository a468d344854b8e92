"""settle_many: jobs of several threads have succeeded, each under its own fence."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction

from jobs.ledger import transitions
from jobs.ledger.failures import Failure
from jobs.ledger.models import Job
from jobs.ledger.transitions import JobRef
from tenancy.postgresql.flush import flush
from tenancy.scope import scope
from tests.factories import organization
from tests.factories.jobs import at, claim, row, running_job, started
from tests.integration.jobs.ledger.attempts import attempts, begun, lost_job, retry, told
from tests.threads import elsewhere

pytestmark = pytest.mark.django_db(transaction=True)

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def settle(*jobs):
    """In one statement; who settled and who is locked."""
    with scope({job.organization_id for job in jobs}), transaction.atomic():
        return transitions.settled_many(flush(transitions.settling_many(jobs)))


def states(*jobs):
    return [row(job.ref).state for job in jobs]


def test_all_have_succeeded_each_with_its_attempt():
    jobs = [running_job() for _ in range(3)]

    assert settle(*jobs) == ({job.fenced for job in jobs}, set())

    assert states(*jobs) == ["succeeded"] * 3
    assert all(row(job.ref).finished_at for job in jobs)
    assert [attempts(job.ref) for job in jobs] == [[(1, 1, "succeeded")]] * 3


def test_each_ran_as_long_as_its_worker_has_measured():
    jobs = [begun(running_job(), number * HOUR) for number in (3, 1, 2)]

    settle(*jobs)

    lengths = [one.ended_at - one.started_at for job in jobs for one in told(job.ref)]
    assert [length - length % MINUTE for length in lengths] == [3 * HOUR, HOUR, 2 * HOUR]


def test_what_somebody_has_locked_is_said_to_be_and_waited_for_by_nobody():
    locked, free = running_job(), running_job()

    with elsewhere() as begin, at(locked.organization_id):
        transitions.request_cancel([locked.ref])
        answer = begin(settle, locked, free).result(20)

    assert answer == ({free.fenced}, {locked.fenced})
    assert states(locked, free) == ["running", "succeeded"]
    assert attempts(locked.ref) == []
    assert settle(locked) == ({locked.fenced}, set())


def test_what_is_lost_is_left_out_and_undoes_nobody_else_s():
    late, other = lost_job(), running_job()
    claim(late.ref)

    assert settle(late, other) == ({other.fenced}, set())

    assert (row(late.ref).state, row(late.ref).fence) == ("running", 2)
    assert attempts(late.ref) == [(1, 1, "lost")]
    assert states(other) == ["succeeded"]


def test_what_is_lost_is_not_called_locked_while_its_next_claim_is():
    late = lost_job()
    claim(late.ref)

    with elsewhere() as begin, at(late.organization_id):
        transitions.request_cancel([late.ref])
        answer = begin(settle, late).result(20)

    assert answer == (set(), set())


def test_of_two_claims_of_one_job_only_the_later_settles():
    late = lost_job()
    now = claim(late.ref).claimed

    assert settle(late, now) == ({now.fenced}, set())

    assert attempts(late.ref) == [(1, 1, "lost"), (1, 2, "succeeded")]


def test_what_has_ended_under_its_fence_is_lost():
    buried, settled = running_job(), running_job()
    with at(buried.organization_id):
        failure = Failure(error_class="E", message="m")
        transitions.bury(buried, reason="permanent_error", failure=failure)
    settle(settled)

    assert settle(buried, settled) == (set(), set())

    assert states(buried, settled) == ["dead", "succeeded"]


def test_what_has_ended_is_not_called_locked_while_it_is():
    job = running_job()
    settle(job)

    with elsewhere() as begin, at(job.organization_id):
        Job.objects.select_for_update().get(pk=job.ref.job_id)
        answer = begin(settle, job).result(20)

    assert answer == (set(), set())


def test_a_forged_pair_in_the_scope_of_both_settles_nothing():
    of, other = organization(), organization()
    honest, theirs, victim = running_job(of), running_job(other), running_job(other)
    forged = replace(victim, ref=JobRef(organization_id=of.pk, job_id=victim.ref.job_id))

    assert settle(honest, theirs, forged) == ({honest.fenced, theirs.fenced}, set())

    assert states(honest, theirs, victim) == ["succeeded", "succeeded", "running"]


def test_what_happened_before_is_over_and_its_attempts_stay_as_they_ended():
    job = running_job()
    retry(job)
    job = started(claim(job.ref))
    with at(job.organization_id):
        transitions.begin_effect(job, "e-1")

    settle(job)

    after = row(job.ref)
    assert (after.error_class, after.error_message) == ("", "")
    assert after.effect_state == "confirmed"
    assert attempts(job.ref) == [(1, 1, "failed"), (2, 2, "succeeded")]


def test_the_workers_that_died_under_it_are_forgotten():
    job = claim(lost_job().ref).claimed
    assert row(job.ref).losses == 1

    settle(job)

    assert row(job.ref).losses == 0


def test_an_effect_that_none_began_is_not_confirmed():
    job = running_job()

    settle(job)

    assert row(job.ref).effect_state == "not_begun"
