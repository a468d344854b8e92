"""What the ledger alone explains: a job that waits for its time, is held, runs, or has ended."""

from collections.abc import Callable
from datetime import timedelta

from django.conf import settings

from jobs.cancels import end_of
from jobs.explain.view import Cause, Explanation, View, many, moment
from jobs.ledger.breakers import Breaker
from jobs.ledger.models import Worker
from jobs.ledger.states import Hold, State
from tenancy.admin.times import span


def scheduled(view: View) -> Explanation:
    job = view.the_job()
    left = job.run_at - view.now
    sentence = f"Waits for its time, {moment(job.run_at)}, in {span(left)}."
    return Explanation(cause=Cause.SCHEDULED, sentence=sentence, estimate=left)


def suspended(view: View) -> Explanation:
    sentence = "Held, because its organization is suspended. It goes on once that is active again."
    return Explanation(cause=Cause.SUSPENDED, sentence=sentence)


def draining(view: View) -> Explanation:
    if view.control is None or not view.control.is_draining:
        return Explanation(cause=Cause.DRAINING, sentence=f"Was held. {view.relay()}")
    sentence = (
        f"Held: its queue takes no new work, drained {view.by_whom()}. "
        "It goes on when the queue is resumed."
    )
    return Explanation(cause=Cause.DRAINING, sentence=sentence, lift="resume")


def capacity(view: View) -> Explanation:
    most = view.control.capacity if view.control else None
    if most is None:
        return Explanation(cause=Cause.CAPACITY, sentence=f"Was held. {view.relay()}")
    sentence = (
        f"Held, because its queue was full: at most {most:,} of its organization's jobs may wait "
        "there. It goes in when others have run, in the order of enqueueing."
    )
    return Explanation(cause=Cause.CAPACITY, sentence=sentence, lift="limits")


def behind_a_breaker(view: View) -> Explanation:
    job = view.the_job()
    mine = Breaker.objects.filter(organization_id=job.organization_id)
    breaker = mine.filter(pk=job.breaker_id).first() if job.breaker_id is not None else None
    if breaker is None or breaker.open_until is None:
        sentence = "Was held while its destination failed. It goes on in its turn, with the others."
        return Explanation(cause=Cause.BREAKER, sentence=sentence)
    failing = (
        f"Held, because its destination fails: {many(breaker.failures, 'attempt')} in a row, for "
        f"{span(view.now - breaker.failing_since)}."
    )
    left = breaker.open_until - view.now
    if left <= timedelta(0):
        sentence = f"{failing} One job tries now; if it succeeds, the others go on."
        return Explanation(cause=Cause.BREAKER, sentence=sentence)
    sentence = f"{failing} One job tries in {span(left)}, at {moment(breaker.open_until)}."
    return Explanation(cause=Cause.BREAKER, sentence=sentence, estimate=left)


_CAUSES: dict[str | None, Callable[[View], Explanation]] = {
    Hold.ORGANIZATION_SUSPENDED: suspended,
    Hold.DRAINING: draining,
    Hold.CAPACITY: capacity,
    Hold.BREAKER: behind_a_breaker,
}


def held(view: View) -> Explanation:
    return _CAUSES[view.the_job().hold](view)


def running(view: View) -> Explanation:
    job = view.the_job()
    lease = timedelta(seconds=settings.JOBS_LEASE_SECONDS)
    worker = Worker.objects.filter(pk=job.worker_id).first()
    if worker is not None and worker.seen_at > view.now - lease and worker.stopped_at is None:
        began = span(view.now - (job.started_at or job.claimed_at or view.now))
        sentence = f"Runs, for {began} so far: attempt {job.attempt} of {job.max_attempts}."
        return Explanation(cause=Cause.RUNNING, sentence=sentence)
    name = f" ({job.worker_id})" if view.to_operator else ""
    sentence = f"The worker that ran it{name} is gone. Another one takes it within the lease."
    return Explanation(cause=Cause.WORKER_LOST, sentence=sentence, estimate=lease)


def final(view: View) -> Explanation:
    job = view.the_job()
    ended = span(view.now - (job.finished_at or view.now))
    why = job.reason.replace("_", " ")
    if job.state == State.CANCELLED and (asked := end_of(job.organization_id, job.pk, job.reason)):
        is_platform = asked.actor.startswith("operator:") and not view.to_operator
        who = "an operator" if is_platform else asked.who
        why = f"{why} by {who}: “{asked.reason}”"
    sentences = {
        State.SUCCEEDED: f"It succeeded {ended} ago.",
        State.DEAD: f"It died {ended} ago ({why}), and waits for a person to retry or discard it.",
        State.CANCELLED: f"It was cancelled {ended} ago ({why}), and will not run.",
    }
    state = State(job.state)
    return Explanation(cause=Cause(state.value), sentence=sentences[state])
