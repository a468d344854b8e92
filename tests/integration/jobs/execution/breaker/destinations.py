"""A destination that fails, what is held behind it, and time that passes."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from jobs.execution.guard import BreakerOpen, guard
from jobs.job_types import BreakerPolicy, JobType
from jobs.ledger import breakers, transitions
from jobs.ledger.breakers import BreakerState, Key
from jobs.ledger.transitions import Claimed, JobRef
from tenancy.models import Organization
from tenancy.scope import scope
from tests.factories.jobs import Note, at, row, running_job
from tests.waiting import eventually

POLICY = BreakerPolicy(
    outages=(ConnectionError,),
    failures=3,
    open_for=timedelta(hours=1),
    longest=timedelta(hours=3),
)


class Out(Exception):
    """Of a message, not of its destination."""


def declare_to(declare: Callable[..., JobType[Note]], policy: BreakerPolicy) -> JobType[Note]:
    """A job type whose notes name where they go."""
    return declare(
        lambda run: None,
        effect="outside",
        breaker=policy,
        destination=lambda note: note.text,
        discriminator=lambda note: note.text,
        max_retries=20,
    )


def key(of: Organization, job_type: JobType[Note], destination: str = "there") -> Key:
    return Key(organization_id=of.pk, job_type=job_type.name, destination=destination)


def attempt(
    of: Organization,
    job_type: JobType[Note],
    *,
    error: Exception | None = None,
    to: str = "there",
    job: Claimed | None = None,
) -> JobRef:
    """One attempt of a job, as a worker makes it: in its scope, in no transaction."""
    job = job or running_job(of, job_type=job_type, payload=Note(text=to))
    with scope(of), guard(job):
        if error:
            raise error
    with at(of):
        transitions.settle(job)
    return job.ref


def fail(
    of: Organization,
    job_type: JobType[Note],
    times: int = 1,
    *,
    error: Exception | None = None,
    to: str = "there",
) -> None:
    for _ in range(times):
        with pytest.raises(type(error or ConnectionError())):
            attempt(of, job_type, error=error or ConnectionError("away"), to=to)


def held(of: Organization, job_type: JobType[Note], to: str = "there") -> JobRef:
    """A job that meets the open breaker."""
    job = running_job(of, job_type=job_type, payload=Note(text=to))
    with scope(of), pytest.raises(BreakerOpen), guard(job):
        raise AssertionError("it ran")
    return job.ref


def closed(
    of: Organization, job_type: JobType[Note], count: int, to: str = "there"
) -> list[JobRef]:
    """Jobs that a breaker holds which has just closed."""
    fail(of, job_type, 3, to=to)
    refs = [held(of, job_type, to) for _ in range(count)]
    with at(of):
        assert breakers.close(key(of, job_type, to), reason="it is back")
    return refs


def set_back(of: Organization, what: str, to: str = "there") -> None:
    """No door makes time pass."""
    with at(of), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE jobs_breaker SET {what} WHERE organization_id = %s AND destination = %s",
            [of.pk, to],
        )


def now_due(of: Organization, to: str = "there") -> None:
    """Its time is over, and that of its probe."""
    past = "now() - interval '1 s'"
    set_back(of, f"open_until = {past}, probe_until = {past}", to)


def state_of(of: Organization, job_type: JobType[Note], to: str = "there") -> BreakerState | None:
    with at(of):
        return breakers.state_of(key(of, job_type, to))


def hours_open(of: Organization) -> Any:
    """For how long its only breaker is open, rounded."""
    with at(of), connection.cursor() as cursor:
        cursor.execute(
            "SELECT round(extract(epoch FROM open_until - now()) / 3600) FROM jobs_breaker"
            " WHERE organization_id = %s",
            [of.pk],
        )
        [(hours,)] = cursor.fetchall()
        return hours


def holds(refs: Sequence[JobRef]) -> list[str | None]:
    return [row(ref).hold for ref in refs]


def gone_on(refs: Sequence[JobRef]) -> int:
    """How many of them are held no more."""
    return holds(refs).count(None)


def steps(done: Callable[[], Any]) -> None:
    """The scheduler, step by step: others' destinations take their turns, too."""

    def step() -> Any:
        breakers.step()
        return done()

    eventually(step)
