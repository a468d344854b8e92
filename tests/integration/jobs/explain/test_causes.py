"""explain: each cause has its sentence, from the rows and from Redis as they stand."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs import control, deadletters
from jobs.broker.messages import Ack, RetryAfter, Settlement
from jobs.explain import Cause, explain, explain_queue
from jobs.ledger import transitions
from jobs.ledger.breakers import Breaker
from jobs.ledger.failures import Failure
from jobs.ledger.models import Job
from jobs.ledger.states import Hold
from tenancy import changes
from tests.factories import operator, organization
from tests.factories.jobs import (
    at,
    claim,
    dead_job,
    fall_silent,
    queue_control,
    queued_job,
    queued_jobs,
    running_job,
    worker,
)
from tests.factories.people import operating

pytestmark = pytest.mark.django_db(transaction=True)

LATER = timedelta(hours=1)


@pytest.fixture
def of(own_line):
    """An organization whose jobs a worker could run, on queues of this test's own."""
    own_line.open_epoch()  # what other tests left in the ledger does not stand in this line
    worker()
    return organization()


def told(ref, **how):
    with at(ref.organization_id):
        return explain(Job.objects.get(pk=ref.job_id), **how)


def start(ref):
    answer = claim(ref)
    assert answer.claimed
    return answer.claimed


# -- in the ledger


def test_a_job_for_later_says_when(of):
    ref = queued_job(of, run_at=datetime(2099, 5, 1, 12, tzinfo=UTC))

    said = told(ref)

    assert said.cause == Cause.SCHEDULED
    assert said.sentence.startswith("Waits for its time, 2099-05-01 12:00:00 UTC, in ")
    assert said.estimate > timedelta(days=365)


def test_of_a_suspended_organization(of):
    job = running_job(of)
    with at(of):
        changes.update(of, state="suspended")
        transitions.hold(job, Hold.ORGANIZATION_SUSPENDED)

    assert told(job.ref).sentence == (
        "Held, because its organization is suspended. It goes on once that is active again."
    )


def test_behind_a_drain_by_whom_and_why(of):
    person = operator(name="Ada Byron")
    with operating(person):
        control.drain(of.pk, "backfill", reason="their import is wrong")
    ref = queued_job(of)

    said = told(ref)

    assert (said.cause, said.lift) == (Cause.DRAINING, "resume")
    assert said.sentence.startswith(
        "Held: its queue takes no new work, drained by Ada Byron (operator) "
    )
    assert said.sentence.endswith(
        "ago: “their import is wrong”. It goes on when the queue is resumed."
    )


def test_once_the_drain_is_over_the_scheduler_has_it(of, settings):
    queue_control(of, is_draining=True)
    ref = queued_job(of)
    queue_control(of, is_draining=False)
    settings.JOBS_LEASE_SECONDS = 0

    assert told(ref).sentence == (
        "Was held. No scheduler is alive, which would put it there: start one with "
        "`manage.py scheduler`."
    )


def test_behind_a_full_queue(of):
    queue_control(of, capacity=1)
    _, ref = queued_jobs(of, 2)

    said = told(ref)

    assert (said.cause, said.lift) == (Cause.CAPACITY, "limits")
    assert said.sentence == (
        "Held, because its queue was full: at most 1 of its organization's jobs may wait there. "
        "It goes in when others have run, in the order of enqueueing."
    )


def test_behind_a_breaker_until_one_job_tries(of):
    job = running_job(of)
    with at(of):
        transitions.hold(job, Hold.BREAKER)
        breaker = Breaker.objects.create(
            organization=of,
            job_type=job.job_type,
            failures=10,
            open_until=datetime(2099, 5, 1, 12, tzinfo=UTC),
        )
        Job.objects.filter(pk=job.ref.job_id).update(breaker_id=breaker.pk)

    said = told(job.ref)

    assert said.cause == Cause.BREAKER
    assert said.sentence.startswith(
        "Held, because its destination fails: 10 attempts in a row, for "
    )
    assert said.sentence.endswith("at 2099-05-01 12:00:00 UTC.")


def test_every_hold_has_an_explanation(of):
    for hold in Hold:
        job = running_job(of)
        with at(of):
            transitions.hold(job, hold)

        assert told(job.ref).sentence


# -- in line


def test_in_a_paused_queue_by_whom_why_and_until_when(of):
    ref = queued_job(of)
    until = datetime(2099, 5, 1, 12, tzinfo=UTC)
    with operating(operator(name="Ada Byron")):
        control.pause(of.pk, "backfill", reason="their receiver is down", until=until)

    said = told(ref)

    assert (said.cause, said.lift) == (Cause.PAUSED, "resume")
    assert said.sentence.startswith("Its queue was paused by Ada Byron (operator) ")
    assert said.sentence.endswith(
        "ago: “their receiver is down”. It resumes by itself at 2099-05-01 12:00:00 UTC."
    )
    assert said.estimate > timedelta(days=365)


def test_paused_for_good_there_is_no_estimate(of):
    ref = queued_job(of)
    with operating():
        control.pause(of.pk, "backfill", reason="x")

    said = told(ref)

    assert said.sentence.endswith("ago: “x”. It starts nothing until it is resumed.")
    assert said.estimate is None


def test_while_redis_is_away(of, live_valkey):
    ref = queued_job(of)
    live_valkey.kill()

    said = told(ref)

    assert said.cause == Cause.REDIS_AWAY
    assert said.sentence.startswith("Redis is away or has lost its data, so no job starts.")


def test_not_published_yet(of, own_line, own_redis, settings):
    ref = queued_job(of)
    own_redis.flushall()
    own_line.open_epoch()
    settings.JOBS_LEASE_SECONDS = 0

    said = told(ref)

    assert said.cause == Cause.UNPUBLISHED
    assert said.sentence.startswith("Due for ")
    assert "and not yet in its queue. No scheduler is alive" in said.sentence


def test_lost_by_redis(of, own_line, own_redis):
    ref = queued_job(of)
    own_redis.flushall()
    own_line.open_epoch()
    with at(of):
        Job.objects.filter(pk=ref.job_id).update(published_at=datetime.now(UTC))

    assert told(ref).sentence == (
        "Redis has lost its message. The scheduler's sweep puts it back within minutes."
    )


def test_in_the_hands_of_a_worker(of, own_line):
    ref = queued_job(of)
    own_line.fetch("backfill", "host:7:abc", 1)

    said = told(ref)

    assert said.cause == Cause.LEASED
    assert said.sentence == "In the hands of the worker host:7:abc, and about to start."


def test_backing_off_after_which_error_and_until_when(of, own_line):
    ref = queued_job(of)
    [leased] = own_line.fetch("backfill", "a-worker", 1).messages
    job = start(ref)
    with at(of):
        failure = Failure(error_class="ReceiverFailed", message="answered 500")
        transitions.retry(job, delay=LATER, failure=failure)
    own_line.retry("backfill", "a-worker", {leased.key: RetryAfter(delay=LATER)})

    said = told(ref)

    assert said.cause == Cause.BACKING_OFF
    assert said.sentence.startswith(
        "Attempt 1 of 3 failed with ReceiverFailed. The next attempt begins in 59 min 59 s, at "
    )
    assert LATER - timedelta(minutes=1) < said.estimate <= LATER


def test_when_no_worker_of_the_group_is_alive(of, settings):
    ref = queued_job(of)
    settings.JOBS_LEASE_SECONDS = 0

    said = told(ref)

    assert said.cause == Cause.NO_WORKER
    assert said.sentence == (
        "No worker of the group backfill is alive: start one with "
        "`manage.py rundramatiq --queues backfill`."
    )


def test_at_its_limit_and_which_jobs_hold_it(of, own_line):
    with operating():
        control.limit(of.pk, "backfill", concurrency=1, reason="x")
    first, second = queued_jobs(of, 2)
    own_line.fetch("backfill", "a-worker", 1)
    start(first)

    said = told(second)

    assert (said.cause, said.lift) == (Cause.AT_LIMIT, "limits")
    assert said.jobs == [first.job_id]
    assert said.sentence == (
        "Its queue is at its limit: of this organization 1 job may be with workers at once, and 1 "
        f"are. Now with workers: {first.job_id}. It starts when one of them ends."
    )


def test_out_of_tokens_until_when(of, own_line):
    with operating():
        control.rate(of.pk, "backfill", per_second=0.01, reason="x")
    _, second = queued_jobs(of, 2)
    own_line.fetch("backfill", "a-worker", 1)

    said = told(second)

    assert (said.cause, said.lift) == (Cause.NO_TOKENS, "limits")
    assert said.sentence.startswith(
        "Its queue may start 0.01 jobs a second and has used that up; the next one may start in 1 "
    )


def test_behind_its_own_with_an_estimate(of, own_line):
    refs = queued_jobs(of, 11)
    [leased] = own_line.fetch("backfill", "a-worker", 1).messages
    ran = Settlement(leased.key, Ack(ran=timedelta(seconds=8)))
    own_line.settle("backfill", "a-worker", [ran])

    said = told(refs[-1])

    assert said.cause == Cause.BEHIND_OWN
    assert said.sentence == (
        "Waits behind 9 jobs of its own organization. At the present pace it starts in about 9.0 s."
    )


def test_next_of_its_organization(of):
    ref = queued_job(of)

    said = told(ref)

    assert said.cause == Cause.NEXT
    assert said.sentence.startswith("It is its organization's next, and starts as soon as a worker")


# -- not waiting


def test_a_running_job_runs(of):
    said = told(running_job(of).ref)

    assert said.cause == Cause.RUNNING
    assert said.sentence.endswith("so far: attempt 1 of 3.")


def test_a_job_whose_worker_is_gone_is_taken_by_another(of):
    worker_id = worker()
    job = running_job(of, worker_id=worker_id)
    fall_silent(worker_id)

    said = told(job.ref)

    assert said.cause == Cause.WORKER_LOST
    assert said.sentence == (
        f"The worker that ran it ({worker_id}) is gone. Another one takes it within the lease."
    )


def test_final_states_say_so(of):
    done, dead, cancelled = running_job(of), dead_job(of), queued_job(of)
    with at(of):
        transitions.settle(done)
        transitions.cancel([cancelled], reason="cancelled")

    assert told(done.ref).sentence.startswith("It succeeded ")
    assert (
        "(permanent error), and waits for a person to retry or discard it." in told(dead).sentence
    )
    assert told(cancelled).sentence.endswith("(cancelled), and will not run.")


def test_a_job_that_a_person_ended_says_who_and_why_and_names_operators_to_operators(of):
    cancelled, discarded = queued_job(of), dead_job(of)
    with operating():
        control.cancel([cancelled.job_id], reason="sent twice")
        deadletters.discard([discarded.job_id], reason="of no use")

    assert told(cancelled, to_operator=False).sentence.endswith(
        "(cancelled by an operator: “sent twice”), and will not run."
    )
    assert " (operator): “of no use”)" in told(discarded).sentence


# -- a whole queue, and other readers


def test_a_queue_of_which_nothing_is_wrong_has_none(of):
    queued_job(of)

    with operating():
        assert explain_queue(of.pk, "backfill") is None


def test_a_queue_says_why_nothing_of_it_starts(of):
    with operating():
        control.pause(of.pk, "backfill", reason="x")
    with operating():
        said = explain_queue(of.pk, "backfill")

    assert said.cause == Cause.PAUSED


def test_a_member_is_not_told_of_workers_and_operators(of, own_line, settings):
    ref, paused = queued_job(of), organization()
    own_line.fetch("backfill", "host:7:abc", 1)
    waiting = queued_job(paused)
    with operating(operator(name="Ada Byron")):
        control.pause(paused.pk, "backfill", reason="x")

    assert told(ref, to_operator=False).sentence == "In the hands of a worker, and about to start."
    assert told(waiting, to_operator=False).sentence.startswith(
        "Its queue was paused by an operator "
    )
    settings.JOBS_LEASE_SECONDS = 0
    other = queued_job(organization())
    assert told(other, to_operator=False).sentence == "No worker that could run it is alive."
