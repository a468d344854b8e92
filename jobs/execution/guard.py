"""Around an attempt: hold the job while its destination is out of order, and see how it ends.

A destination that fails again and again gets a rest, and then one job tries. What that rest is, and
how it ends, is the *breaker* of `jobs.ledger.breakers`; here is what a worker does with it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import Error, connection, transaction

from jobs.errors import JobsError, PayloadInvalid, UnknownJobType
from jobs.execution.failing import failing
from jobs.job_types import BreakerPolicy, JobType, registry
from jobs.ledger import transitions
from jobs.ledger.breakers import Key
from jobs.ledger.statements import run
from jobs.ledger.states import Hold
from jobs.ledger.transitions import Claimed

log = structlog.get_logger(__name__)

PROBE_SLACK = timedelta(minutes=1)  # that a probe may outlast its time limit


class BreakerOpen(JobsError):
    """The job's destination is out of order: it has been held in the ledger."""


class BreakerUnknown(JobsError, Error):
    """PostgreSQL did not say whether the destination is out of order: no fault of the job's."""


@contextmanager
def guard(job: Claimed) -> Iterator[None]:
    """Around an attempt, outside any transaction: let it through or hold it, and see how it ends.

    Raises BreakerOpen when it was held, BreakerUnknown when nobody could say whether it is to be,
    LeaseLost when it was somebody else's by then. How the attempt ended stands whether or not the
    breaker could be told: a probe that it does not hear of is followed by another one.
    """
    declared = _declared(job)
    if declared is None:
        yield
        return
    job_type, policy, key = declared
    try:
        if key in failing:
            _enter(job, job_type, key)
    except Error as error:
        raise BreakerUnknown(str(error)) from error
    try:
        yield
    except policy.outages:
        with _told(key):
            _failed(job, policy, key)
        raise
    except BaseException:
        with _told(key):
            if key in failing:
                _note("breaker_spared", job, key)
        raise
    with _told(key):
        if key in failing and _note("breaker_succeeded", job, key) == [{"closed": True}]:
            log.info("breaker_closed", destination=key.destination)


def _declared(job: Claimed) -> tuple[JobType[Any], BreakerPolicy, Key] | None:
    """The job type and the destination, where there is a breaker; else how it runs will say."""
    try:
        job_type = registry.get(job.job_type)
        if job_type.breaker is None:
            return None
        to = job_type.destination(job_type.read(job.payload))
    except (UnknownJobType, PayloadInvalid):
        return None
    key = Key(organization_id=job.organization_id, job_type=job.job_type, destination=to[:200])
    return job_type, job_type.breaker, key


def _enter(job: Claimed, job_type: JobType[Any], key: Key) -> None:
    probe_for = job_type.policy.time_limit + PROBE_SLACK
    with transaction.atomic():
        found = run("breaker_enter", _of(job, key) | {"probe_for": probe_for})
        if not found or found[0]["is_probe"]:
            return
        transitions.hold(job, Hold.BREAKER)
        held = {"organization_id": job.organization_id, "job_id": job.ref.job_id}
        run("breaker_hold", held | {"breaker_id": found[0]["breaker_id"]})
    raise BreakerOpen(f"{key.job_type} {key.destination} is out of order.")


def _failed(job: Claimed, policy: BreakerPolicy, key: Key) -> None:
    numbers = {
        "threshold": policy.failures,
        "open_for": policy.open_for * settings.JOBS_RETRY_SCALE,
        "longest": policy.longest * settings.JOBS_RETRY_SCALE,
    }
    found = _note("breaker_failed", job, key, **numbers)
    failing.add(key)
    if found and found[0]["opened"]:
        log.warning(
            "breaker_opened",
            destination=key.destination,
            failures=found[0]["failures"],
            open_until=found[0]["open_until"].isoformat(),
        )


@contextmanager
def _told(key: Key) -> Iterator[None]:
    try:
        yield
    except Error as error:
        log.warning("breaker_not_told", destination=key.destination, error=str(error))
        connection.close()


def _note(statement: str, job: Claimed, key: Key, **more: Any) -> list[dict[str, Any]]:
    with transaction.atomic():
        return run(statement, _of(job, key) | more)


def _of(job: Claimed, key: Key) -> dict[str, Any]:
    return key.columns | {"job_id": job.ref.job_id}
