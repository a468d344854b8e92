"""One job inside a worker, from its message to what becomes of it."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog
from django.db import Error, OperationalError, connection, transaction
from dramatiq.middleware import CurrentMessage, Interrupt, Shutdown, TimeLimitExceeded
from psycopg.errors import QueryCanceled

from audit.record import collecting, writing
from jobs import metrics
from jobs.broker.messages import Ack, Disposition, GroupMessage, Release, RetryAfter
from jobs.broker.notices import listener
from jobs.errors import (
    Cancelled,
    LeaseLost,
    PayloadInvalid,
    Permanent,
    RetryLater,
    UnknownJobType,
)
from jobs.execution.claiming import Judged, claim, give_back_unstarted
from jobs.execution.death import bury, stop
from jobs.execution.guard import BreakerOpen, BreakerUnknown, guard
from jobs.execution.in_hand import in_hand
from jobs.execution.job import Run
from jobs.execution.leases import leases
from jobs.execution.poison import bury_message, reference_of
from jobs.execution.revalidate import (
    OrganizationSuspended,
    actor_of,
    asking,
    revalidate,
    stands,
)
from jobs.execution.settling import settler
from jobs.execution.suspects import company
from jobs.job_types import registry
from jobs.ledger import transitions
from jobs.ledger.failures import Failure
from jobs.ledger.states import Hold, Reason
from jobs.ledger.transitions import Claimed, JobRef
from tenancy.acting import acting
from tenancy.postgresql.flush import Rows, atomic, committed
from tenancy.scope import scope

log = structlog.get_logger(__name__)

# How long a message rests when PostgreSQL does not answer.
OUTAGE = timedelta(seconds=5)
# How long a suspect's does while another one runs in this process.
ANOTHER_SUSPECT = timedelta(seconds=1)
# How long the message of a job that was lost on the way.
ANOTHER_LOOK = timedelta(seconds=1)
# How long ago the standing of whoever acts may have been looked up when the job begins.
FRESH_SECONDS = 1.0


def run_job(*_: Any, **__: Any) -> None:
    """The actor of every job type: run the job that the current message refers to.

    Never raises for what a job does: how it ended stands in the ledger, and the message's
    disposition, which the consumer carries out, follows from it. Ledger first, Redis second.
    Arguments come from the message's body, which is not trusted.
    """
    message: object = CurrentMessage.get_current_message()
    if not isinstance(message, GroupMessage):
        raise TypeError(f"{message!r} did not come through jobs.broker")
    try:
        # In no transaction that an interrupt left open, which would swallow what this one commits;
        # and in a context of its own, so that nothing that an actor binds is there for the next.
        connection.begin_anew()  # type: ignore[attr-defined]
        message.disposition = copy_context().run(_run, message)
    except Error as error:
        log.warning("job_postponed", message_id=message.message_id, error=str(error))
        connection.close()
        give_back_unstarted([message])
        message.disposition = RetryAfter(delay=OUTAGE)
    except Interrupt:
        # Between two steps, where no attempt is under way that could fail of it.
        give_back_unstarted([message])
        message.disposition = Release()


def _run(message: GroupMessage) -> Disposition | Future[Disposition]:
    if listener.is_paused(message.group, message.organization_id):
        give_back_unstarted([message])
        return Release()
    judged = message.claim or _claim(message, suspects=False)
    if judged is None or judged.answer.answer != "suspect":
        with company.together():
            return _follow(message, judged)
    with company.alone() as may_enter:
        if not may_enter:
            return RetryAfter(delay=ANOTHER_SUSPECT)
        return _follow(message, _claim(message, suspects=True))


def _claim(message: GroupMessage, *, suspects: bool) -> Judged | None:
    """For what the consumer did not claim: it could not, or the job is to run alone."""
    ref = reference_of(message)
    if ref is None:
        return None
    [message.claim] = claim([ref], suspects=suspects)
    return message.claim  # type: ignore[no-any-return]


def _follow(message: GroupMessage, judged: Judged | None) -> Disposition | Future[Disposition]:
    if judged is None or judged.answer.answer == "unknown":
        return bury_message(message, reason=Reason.UNKNOWN_JOB)
    if judged.claimed is None:
        is_over = judged.answer.answer == "finished"
        return Ack() if is_over else RetryAfter(delay=judged.answer.delay)
    if not leases.have_held(judged.at):
        give_back_unstarted([message])
        return RetryAfter(delay=ANOTHER_LOOK)
    standing = _standing(judged.claimed.ref, judged)
    now = time.monotonic()
    waited = judged.claimed.wait_seconds + now - judged.at
    job = replace(judged.claimed, began=now, wait_seconds=waited)
    try:
        message.claim = None  # from here on it has started
        with _in_the_name_of(job):
            return _attempt(job, standing)
    except BaseException:
        # How it ended could not be written: the database is away, or we were interrupted while
        # writing. Without this the job would run as long as this worker lives.
        leases.abandon(job)
        in_hand.drop(job)
        raise


def _standing(ref: JobRef, judged: Judged) -> Rows:
    """How things stand for whoever acts, as of this moment or nearly."""
    if time.monotonic() - judged.at < FRESH_SECONDS:
        return judged.standing
    with scope(ref.organization_id):
        return stands([ref], committed(asking([ref])))[ref]


@contextmanager
def _in_the_name_of(job: Claimed) -> Iterator[None]:
    """Whose rows, who acts, because of what: for all that is read, written and logged inside."""
    with (
        structlog.contextvars.bound_contextvars(**_log_fields(job)),
        acting(
            actor_of(job),
            source="worker",
            correlation_id=job.correlation_id,
            job_id=str(job.ref.job_id),
        ),
        scope(job.organization_id),
    ):
        yield


def _attempt(job: Claimed, standing: Rows) -> Disposition | Future[Disposition]:
    """Perform one claimed job; how it ended is settled here, or on its way to be."""
    ended = _outcome(job, standing)
    if isinstance(ended, Future):
        decided: Future[Disposition] = Future()
        here = copy_context()
        ended.add_done_callback(lambda one: decided.set_result(here.run(_decided, job, one)))
        return decided
    in_hand.drop(job)
    return ended


def _decided(job: Claimed, written: Future[None]) -> Disposition:
    """What becomes of the message of a job that was settled together with others, or was not."""
    try:
        error = written.exception()
        if error is None:
            return _succeeded(job)
        return _lost(job) if isinstance(error, LeaseLost) else _fail(job, error)
    except LeaseLost:
        return _lost(job)
    except Exception as error:  # noqa: BLE001 - how it ended could not be written
        log.warning("job_postponed", error=str(error))
        connection.close()
        leases.abandon(job)
        return RetryAfter(delay=OUTAGE)
    finally:
        in_hand.drop(job)


def _succeeded(job: Claimed) -> Disposition:
    metrics.observe_succeeded(job)
    log.info("job_succeeded")
    return Ack()


def _lost(job: Claimed) -> Disposition:
    log.warning("job_lease_lost", fence=job.fence)
    return RetryAfter(delay=ANOTHER_LOOK)  # to be told what became of it meanwhile


def _outcome(job: Claimed, standing: Rows) -> Disposition | Future[None]:
    """Perform and settle, or write down how it failed; under its fence or not."""
    try:
        with guard(job):
            written = _perform(job, standing)
    except LeaseLost:
        return _lost(job)
    except BreakerUnknown:
        raise
    except BreakerOpen:
        log.info("job_held", hold=Hold.BREAKER.value)
        return Ack()
    except OrganizationSuspended:
        with transaction.atomic():
            transitions.hold(job, Hold.ORGANIZATION_SUSPENDED)
        log.info("job_held", hold=Hold.ORGANIZATION_SUSPENDED.value)
        return Ack()
    except Shutdown:
        _write_down(lambda: transitions.release(job))
        log.info("job_released")
        return Release()
    except Cancelled as error:
        return _cancel(job, error.how)
    except BaseException as error:  # noqa: BLE001 - whatever an actor raises, SystemExit included
        return _fail(job, error)
    return written or _succeeded(job)


def _perform(job: Claimed, standing: Rows) -> Future[None] | None:
    """revalidate → perform → settle; None where it is settled by then."""
    run = _begin(job, standing)
    if run.job_type.effect == "outside":
        _act(run)
        return None if run.is_settled else settler.settle(job)
    with transitions.guarded(job), atomic() as block, collecting() as events:
        _act(run)
        writes = [*run.written, *writing(events)]
        # A breaker has to see how what it writes ended.
        is_left = run.job_type.breaker is None and settler.takes(job) and block.is_untouched
        if not is_left:
            block.closing = [*writes, transitions.settling(job)]
    return settler.settle(job, *writes) if is_left else None


def _begin(job: Claimed, standing: Rows) -> Run[Any]:
    """What the actor gets, if it may still run."""
    log.info("job_claimed", fence=job.fence, wait_seconds=round(job.wait_seconds, 3))
    if in_hand.is_asked_to_end(job):
        raise Cancelled("It was cancelled before it started.")
    job_type, payload = revalidate(job, standing)
    return Run(job=job, job_type=job_type, payload=payload)


def _act(run: Run[Any]) -> None:
    with metrics.observe_started(run.job), in_hand.acting(run.job):
        run.job_type.perform(run)


def _cancel(job: Claimed, how: str) -> Disposition:
    """Somebody asked for its end, and it came before the job's own."""
    _write_down(lambda: stop(job, how=how))
    log.info("job_cancelled", how=how)
    return Ack()


def _fail(job: Claimed, error: BaseException) -> Disposition:
    """Retry or bury, by the policy; in a transaction of its own, after what failed was undone."""
    failure = Failure.of(error)
    reason = _final_reason(job, error)
    if reason is None and in_hand.is_asked_to_end(job):
        return _cancel(job, f"It failed, and was not tried again: {failure.message}")
    if reason is None:
        delay = _delay(job, error)
        _write_down(lambda: transitions.retry(job, delay=delay, failure=failure))
    else:
        _write_down(lambda: bury(job, reason=reason, failure=failure))
    metrics.observe_failed(job, dead=reason)
    if reason is None:
        log.warning("job_failed", error=failure.message, delay_seconds=delay.total_seconds())
        return RetryAfter(delay=delay)
    log.error("job_dead", reason=str(reason), error=failure.message, frame=failure.frame)
    return Ack()


def _write_down(write: Callable[[], None]) -> None:
    """How an attempt ended, in a transaction of its own.

    Once more if the statement is cancelled: whoever interrupts an actor also cancels the statement
    that its thread is in, and that may be this one by now.
    """
    try:
        with transaction.atomic():
            write()
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        with transaction.atomic():
            write()


def _final_reason(job: Claimed, error: BaseException) -> str | None:
    """Why no further attempt is made, or None when one is."""
    match error:
        case Permanent():
            return error.reason
        case UnknownJobType():
            return Reason.UNKNOWN_JOB_TYPE
        case PayloadInvalid():
            return Reason.PAYLOAD_INVALID
    if isinstance(error, registry.get(job.job_type).policy.permanent):
        return Reason.PERMANENT_ERROR
    if job.attempts_left > 0:
        return None
    is_late = isinstance(error, TimeLimitExceeded)
    return Reason.TIME_LIMIT if is_late else Reason.RETRIES_EXHAUSTED


def _delay(job: Claimed, error: BaseException) -> timedelta:
    planned = registry.get(job.job_type).policy.delay_before(job.attempt)
    if isinstance(error, RetryLater) and error.retry_after is not None:
        return max(planned, error.retry_after)
    return planned


def _log_fields(job: Claimed) -> dict[str, Any]:
    """The six fields that every line written during a job carries, and the job's id."""
    return {
        "organization_id": job.ref.organization_id,
        "project_id": job.project_id,
        "correlation_id": job.correlation_id,
        "job_type": job.job_type,
        "attempt": job.attempt,
        "actor_id": job.actor_id,
        "job_id": str(job.ref.job_id),
    }
