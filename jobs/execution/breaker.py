"""Breakers: a destination that fails again and again gets a rest, and then one job that tries.

One for each organization, job type and destination (`JobType.breaker`, `JobType.destination`).
Closed, it counts failures in a row that are outages of the destination, as the declaration lists
them. At the threshold it opens: jobs for that destination are held in the ledger, their attempt
uncounted. When its time is over one job tries (the *probe*); only that one's failure counts, and
opens it for twice as long. When it succeeds the held ones go on, twice as many each second.

State is in PostgreSQL (`jobs.ledger.breakers`), shared by all workers. A job pays for it only where
its destination has failed lately: each worker process reads once a second which those are. So a
success may miss a failure of another worker that is less than a second old; the next one sees it.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction

from audit.record import record
from jobs.errors import JobsError, PayloadInvalid, UnknownJobType
from jobs.job_types import JobType, registry
from jobs.ledger import transitions
from jobs.ledger.breakers import Breaker
from jobs.ledger.models import Job
from jobs.ledger.statements import run
from jobs.ledger.states import Hold
from jobs.ledger.transitions import Claimed
from tenancy.scope import engine_scope

log = structlog.get_logger(__name__)

FRESH_SECONDS = 1.0
MOST = 100  # breakers in one step of the scheduler
FASTEST = 500  # jobs of one breaker in one step
PATIENCE = timedelta(minutes=10)  # until a probe that was let go counts as lost
SLACK = timedelta(minutes=1)  # that a probe may outlast its time limit
QUIET = timedelta(days=7)  # after which nobody remembers a failure


@dataclass(frozen=True, kw_only=True)
class Key:
    """What a breaker is for."""

    organization_id: int
    job_type: str
    destination: str

    @property
    def columns(self) -> dict[str, Any]:
        """As the statements take it."""
        return {
            "organization_id": self.organization_id,
            "job_type": self.job_type,
            "destination": self.destination,
        }


@dataclass(frozen=True, kw_only=True)
class BreakerState:
    """What is known of a destination that has failed lately.

    failures: in a row. open_until: when the next job may try; None: closed. probe_job_id: the job
    that tries now. failing_since: the first of the failures.
    """

    key: Key
    failures: int
    open_until: datetime | None
    probe_job_id: Any
    failing_since: datetime

    @property
    def is_open(self) -> bool:
        """Whether jobs are held."""
        return self.open_until is not None


class BreakerOpen(JobsError):
    """The job's destination is out of order: it has been held in the ledger."""


class _Failing:
    """The destinations that have failed lately, as this process knows them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: set[Key] = set()
        self._read_at = float("-inf")

    def __contains__(self, key: Key) -> bool:
        with self._lock:
            if time.monotonic() - self._read_at > FRESH_SECONDS:
                self._keys = _read()
                self._read_at = time.monotonic()
            return key in self._keys

    def add(self, key: Key) -> None:
        """It has just failed here."""
        with self._lock:
            self._keys.add(key)


_failing = _Failing()


@contextmanager
def guard(job: Claimed) -> Iterator[None]:
    """Around an attempt, outside any transaction: let it through or hold it, and see how it ends.

    Raises BreakerOpen when it was held, LeaseLost when it was somebody else's by then.
    """
    declared = _declared(job.job_type, job.organization_id, job.payload)
    if declared is None:
        yield
        return
    job_type, key = declared
    if key in _failing:
        _enter(job, job_type, key)
    assert job_type.breaker is not None
    try:
        yield
    except job_type.breaker.outages:
        _failed(job, job_type, key)
        raise
    except BaseException:
        if key in _failing:
            _note("breaker_spared", job, key)
        raise
    if key in _failing and _note("breaker_succeeded", job, key) == [{"closed": True}]:
        log.info("breaker_closed", destination=key.destination)


def state(job: Job) -> BreakerState | None:
    """Of the destination of a job, in its organization's scope; None while nothing is wrong."""
    declared = _declared(job.job_type, job.organization_id, job.payload)
    return None if declared is None else state_of(declared[1])


def state_of(key: Key) -> BreakerState | None:
    """Of one destination, in its organization's scope; None while nothing is wrong."""
    found = Breaker.objects.filter(**key.columns).first()
    if found is None:
        return None
    return BreakerState(
        key=key,
        failures=found.failures,
        open_until=found.open_until,
        probe_job_id=found.probe_job_id,
        failing_since=found.failing_since,
    )


def close(key: Key, *, reason: str) -> bool:
    """Let its jobs go on, paced, whatever it knows; False when it was not open. Audited.

    Needs a transaction in the organization's scope; the caller has asked whether the person may.
    """
    found = run("breaker_close", key.columns)
    if not found:
        return False
    record(
        "breaker.closed",
        ("breaker", found[0]["id"]),
        organization_id=key.organization_id,
        detail={"job_type": key.job_type, "destination": key.destination, "reason": reason},
    )
    return True


def step() -> int:
    """The scheduler's part, each second: probes go out, what closed ones held goes on, paced.

    Returns how many jobs go on.
    """
    with engine_scope(), transaction.atomic():
        gone_on = run("breaker_probe", {"limit": MOST, "patience": PATIENCE})
        gone_on += run("breaker_drain", {"limit": MOST, "fastest": FASTEST})
        run("breaker_forget", {"limit": MOST, "quiet": QUIET})
    return len(gone_on)


def _declared(name: str, organization_id: int, payload: Any) -> tuple[JobType[Any], Key] | None:
    """The job type and the destination, where there is a breaker; else how it runs will say."""
    try:
        job_type = registry.get(name)
        if job_type.breaker is None:
            return None
        to = job_type.destination(job_type.read(payload))
    except (UnknownJobType, PayloadInvalid):
        return None
    return job_type, Key(organization_id=organization_id, job_type=name, destination=to[:200])


def _read() -> set[Key]:
    with engine_scope(), transaction.atomic():
        rows = Breaker.objects.values_list("organization_id", "job_type", "destination")
        return {Key(organization_id=of, job_type=name, destination=to) for of, name, to in rows}


def _enter(job: Claimed, job_type: JobType[Any], key: Key) -> None:
    probe_for = job_type.policy.time_limit + SLACK
    with transaction.atomic():
        found = run("breaker_enter", _of(job, key) | {"probe_for": probe_for})
        if not found or found[0]["is_probe"]:
            return
        transitions.hold(job, Hold.BREAKER)
        held = {"organization_id": job.organization_id, "job_id": job.ref.job_id}
        run("breaker_hold", held | {"breaker_id": found[0]["breaker_id"]})
    raise BreakerOpen(f"{key.job_type} {key.destination} is out of order.")


def _failed(job: Claimed, job_type: JobType[Any], key: Key) -> None:
    policy = job_type.breaker
    assert policy is not None
    numbers = {
        "threshold": policy.failures,
        "open_for": policy.open_for * settings.JOBS_RETRY_SCALE,
        "longest": policy.longest * settings.JOBS_RETRY_SCALE,
    }
    found = _note("breaker_failed", job, key, **numbers)
    _failing.add(key)
    if found and found[0]["opened"]:
        log.warning(
            "breaker_opened",
            destination=key.destination,
            failures=found[0]["failures"],
            open_until=found[0]["open_until"].isoformat(),
        )


def _note(statement: str, job: Claimed, key: Key, **more: Any) -> list[dict[str, Any]]:
    with transaction.atomic():
        return run(statement, _of(job, key) | more)


def _of(job: Claimed, key: Key) -> dict[str, Any]:
    return key.columns | {"job_id": job.ref.job_id}
