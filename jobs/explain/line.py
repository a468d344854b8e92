"""Why a job that is due stands in line: first what somebody has to lift, then what passes.

Each function answers for one cause, or None where it is not that.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta

from jobs.explain.view import Cause, Explanation, View, many, moment
from jobs.ledger.models import Job
from jobs.ledger.states import State
from tenancy.admin.times import span

THREADS = 8  # of one worker process, as the Procfile starts them
NAMED = 3  # of the jobs that hold a limit


def paused(view: View) -> Explanation | None:
    control = view.control
    if control is None or not control.is_paused:
        return None
    until = control.paused_until
    ends = "It starts nothing until it is resumed."
    if until:
        ends = f"It resumes by itself at {moment(until)}."
    sentence = f"Its queue was paused {view.by_whom()}. {ends}"
    estimate = until - view.now if until else None
    return Explanation(cause=Cause.PAUSED, sentence=sentence, estimate=estimate, lift="resume")


def redis_away(view: View) -> Explanation | None:
    if view.situation is not None:
        return None
    sentence = (
        "Redis is away or has lost its data, so no job starts. The scheduler puts all of them "
        "back when it answers; nothing is lost."
    )
    return Explanation(cause=Cause.REDIS_AWAY, sentence=sentence)


def unpublished(view: View) -> Explanation | None:
    job, situation = view.the_job(), view.situation
    if situation is None or situation.place != "unknown":
        return None
    if job.published_at is None:
        late = span(view.now - job.run_at)
        sentence = f"Due for {late} and not yet in its queue. {view.relay()}"
    else:
        sentence = "Redis has lost its message. The scheduler's sweep puts it back within minutes."
    return Explanation(cause=Cause.UNPUBLISHED, sentence=sentence)


def leased(view: View) -> Explanation | None:
    situation = view.situation
    if situation is None or situation.place != "leased":
        return None
    worker = f"the worker {situation.consumer}" if view.to_operator else "a worker"
    sentence = f"In the hands of {worker}, and about to start."
    return Explanation(cause=Cause.LEASED, sentence=sentence, estimate=timedelta(0))


def backing_off(view: View) -> Explanation | None:
    job, situation = view.the_job(), view.situation
    if situation is None or situation.place != "delayed":
        return None
    left = situation.delay or timedelta(0)
    sentence = f"The next attempt begins in {span(left)}, at {moment(view.now + left)}."
    if job.state == State.RETRYING:
        failed = f"Attempt {job.attempt} of {job.max_attempts} failed with {job.error_class}."
        sentence = f"{failed} {sentence}"
    return Explanation(cause=Cause.BACKING_OFF, sentence=sentence, estimate=left)


def no_worker(view: View) -> Explanation | None:
    if view.is_alive(view.group):
        return None
    sentence = "No worker that could run it is alive."
    if view.to_operator:
        command = f"manage.py rundramatiq --queues {view.group}"
        sentence = f"No worker of the group {view.group} is alive: start one with `{command}`."
    return Explanation(cause=Cause.NO_WORKER, sentence=sentence)


def at_limit(view: View) -> Explanation | None:
    situation = view.situation
    most = situation.control.limit if situation else None
    if situation is None or most is None or situation.leased < most:
        return None
    running = Job.objects.filter(
        organization_id=view.organization_id, queue_group=view.group, state=State.RUNNING
    )
    holders = list(running.order_by("claimed_at").values_list("pk", flat=True)[: NAMED + 1])
    named = ", ".join(str(one) for one in holders[:NAMED]) + ", …" * (len(holders) > NAMED)
    by = f" Now with workers: {named}." if holders else ""
    sentence = (
        f"Its queue is at its limit: of this organization {many(most, 'job')} may be with "
        f"workers at once, and {situation.leased} are.{by} It starts when one of them ends."
    )
    estimate = estimate_of(view)
    return Explanation(
        cause=Cause.AT_LIMIT, sentence=sentence, estimate=estimate, lift="limits", jobs=holders
    )


def no_tokens(view: View) -> Explanation | None:
    situation = view.situation
    if situation is None or situation.next_token is None:
        return None
    before = f", behind {many(situation.ahead, 'job')} of its own" if situation.ahead else ""
    sentence = (
        f"Its queue may start {situation.control.rate:g} jobs a second and has used that up; the "
        f"next one may start in {span(situation.next_token)}{before}."
    )
    estimate = estimate_of(view)
    return Explanation(cause=Cause.NO_TOKENS, sentence=sentence, estimate=estimate, lift="limits")


def behind_own(view: View) -> Explanation | None:
    situation = view.situation
    if situation is None or not situation.ahead:
        return None
    estimate = estimate_of(view)
    about = f" At the present pace it starts in about {span(estimate)}." if estimate else ""
    sentence = f"Waits behind {many(situation.ahead, 'job')} of its own organization.{about}"
    return Explanation(cause=Cause.BEHIND_OWN, sentence=sentence, estimate=estimate)


def next_in_line(view: View) -> Explanation:
    situation = view.situation
    before = situation.owners_before if situation else 0
    turns = f" after {many(before, 'other organization')}" if before and view.to_operator else ""
    sentence = f"It is its organization's next, and starts as soon as a worker is free{turns}."
    return Explanation(cause=Cause.NEXT, sentence=sentence, estimate=estimate_of(view))


type Check = Callable[[View], Explanation | None]

IN_LINE: tuple[Check, ...] = (
    paused,
    redis_away,
    unpublished,
    leased,
    backing_off,
    no_worker,
    at_limit,
    no_tokens,
    behind_own,
)
OF_QUEUE: tuple[Check, ...] = (paused, redis_away, no_worker, at_limit, no_tokens)


def first_of(checks: Iterable[Check], view: View) -> Explanation | None:
    """The first that answers."""
    return next((one for check in checks if (one := check(view))), None)


def estimate_of(view: View) -> timedelta | None:
    """Until it starts, as all that waits goes on: by fair shares, its limit and its rate."""
    situation, totals = view.situation, view.totals
    if situation is None or totals is None or not situation.estimate or not situation.consumers:
        return None
    control, mean = situation.control, situation.estimate.total_seconds()
    others = max(totals.organizations - 1, 0)
    all_together = situation.consumers * THREADS / mean
    per_second = all_together * control.weight / (control.weight + others)
    if control.limit is not None:
        per_second = min(per_second, control.limit / mean)
    if control.rate is not None:
        per_second = min(per_second, control.rate)
    first = situation.next_token or timedelta(0)
    return first + timedelta(seconds=situation.ahead / per_second)
