"""Jobs in each state, workers that live or died, and job types of a test's own.

Jobs come through the real doors: enqueued, claimed, buried. Each function opens the scope and the
transaction that it needs. What is not given is made, so `running_job()` alone makes an organization
and a worker too. `at()` is where a test looks and acts.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import dramatiq
from django.db import connection, transaction

import jobs.actors  # noqa: F401 - makes an actor of each job type that is declared
from jobs.job_types import JobType, Payload, Policy, registry
from jobs.ledger import NewJob, enqueue, enqueue_many, transitions
from jobs.ledger.breakers import Breaker
from jobs.ledger.controls import QueueControl
from jobs.ledger.failures import Failure
from jobs.ledger.models import Job
from jobs.ledger.statements import run
from jobs.ledger.transitions import ClaimAnswer, Claimed, JobRef
from tenancy.access import Permission
from tenancy.models import Organization
from tenancy.scope import engine_scope, scope
from tests.factories.tenancy import organization

LEASE = timedelta(seconds=30)


class Note(Payload):
    """What the jobs of tests carry."""

    text: str = ""


def note_type(perform: Callable[[Any], None] = lambda _: None, **declaration: Any) -> JobType[Note]:
    """A job type that nobody has heard of; `declared` makes it one that workers run."""
    retries = declaration.pop("max_retries", 2)
    policy = Policy(
        max_retries=retries,
        backoff_base=timedelta(milliseconds=1) if retries else timedelta(0),
        backoff_cap=timedelta(milliseconds=1) if retries else timedelta(0),
        time_limit=declaration.pop("time_limit", timedelta(seconds=30)),
        permanent=declaration.pop("permanent", ()),
    )
    letters = str.maketrans("0123456789", "ghijklmnop")
    return JobType(
        **(
            {
                "name": f"tests.{uuid4().hex.translate(letters)}",
                "group": "backfill",
                "payload": Note,
                "policy": policy,
                "permission": Permission.MISSION_VIEW,
                "perform": perform,
                "discriminator": lambda note: note.text,
            }
            | declaration
        )
    )


@contextmanager
def declared(perform: Callable[[Any], None], **declaration: Any) -> Iterator[JobType[Note]]:
    """A job type that workers of this process run, as long as the block lasts."""
    job_type = note_type(perform, **declaration)
    registry.add(job_type)
    try:
        yield job_type
    finally:
        registry.remove(job_type.name)
        del dramatiq.get_broker().actors[job_type.name]


@contextmanager
def at(of: Organization | int) -> Iterator[None]:
    """One transaction in the organization's scope."""
    with scope(of), transaction.atomic():
        yield


def queued_job(
    of: Organization | None = None, job_type: JobType[Note] | None = None, **more: Any
) -> JobRef:
    """A job that is due."""
    of = of or organization()
    with at(of):
        enqueued = enqueue(
            job_type or note_type(),
            more.pop("payload", Note()),
            organization_id=of.pk,
            entity=more.pop("entity", ("note", uuid4().hex)),
            **more,
        )
    return JobRef(organization_id=of.pk, job_id=enqueued.job_id)


def queued_jobs(
    of: Organization, count: int, job_type: JobType[Note] | None = None
) -> list[JobRef]:
    """Many jobs that are due, in one statement."""
    new = [
        NewJob(payload=Note(text=str(n)), organization_id=of.pk, entity=("note", uuid4().hex))
        for n in range(count)
    ]
    with at(of):
        enqueued = enqueue_many(job_type or note_type(), new)
    return [JobRef(organization_id=of.pk, job_id=one.job_id) for one in enqueued]


def worker(*, seen: timedelta = timedelta(0)) -> str:
    """The id of a worker that gave its last sign of life so long ago."""
    worker_id = f"host:1:{uuid4().hex}"
    with engine_scope(), transaction.atomic():
        of = {"host": "host", "pid": 1, "queue_groups": json.dumps(["backfill"]), "version": "1"}
        run("beat", {"id": worker_id, "begun": [], "ran": []} | of)
    if seen:
        fall_silent(worker_id, seen)
    return worker_id


def fall_silent(worker_id: str, since: timedelta = timedelta(hours=1)) -> None:
    """A worker that was killed: no door leads there, it just does not beat any more."""
    with engine_scope(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE jobs_worker SET seen_at = clock_timestamp() - %s WHERE id = %s",
            [since, worker_id],
        )


def claim(
    ref: JobRef,
    worker_id: str | None = None,
    *,
    suspects: bool = True,
    in_hand: Iterable[JobRef] = (),
) -> ClaimAnswer:
    """Ask for one job, as a worker in the organization's scope does: a suspect starts at once."""
    with at(ref.organization_id):
        [answer] = transitions.claim(
            [ref],
            worker_id=worker_id or worker(),
            lease=LEASE,
            suspects=suspects,
            in_hand=in_hand,
        )
    return answer


def claimed_job(of: Organization | None = None, *, worker_id: str | None = None) -> Claimed:
    """A job that a worker fetched with others, and has not started as far as the ledger knows."""
    job = claim(queued_job(of), worker_id, suspects=False).claimed
    assert job
    return job


def running_job(
    of: Organization | None = None, *, worker_id: str | None = None, **more: Any
) -> Claimed:
    """A job that a living worker runs."""
    return started(claim(queued_job(of, **more), worker_id))


def started(answer: ClaimAnswer) -> Claimed:
    """The claimed job, begun as a thread of its worker does."""
    assert answer.claimed, answer
    return replace(answer.claimed, began=time.monotonic())


def dead_job(
    of: Organization | None = None, *, reason: str = "permanent_error", **more: Any
) -> JobRef:
    """A job that needs a person, with its dead letter."""
    job = running_job(of, **more)
    with at(job.ref.organization_id):
        transitions.bury(job, reason=reason, failure=Failure(error_class="Boom", message="boom"))
    return job.ref


def row(ref: JobRef) -> Job:
    """The job as the ledger has it now."""
    with at(ref.organization_id):
        return Job.objects.get(pk=ref.job_id)


def breaker(of: Organization) -> Breaker:
    """A destination that failed once."""
    failed = {"organization_id": of.pk, "job_type": "tests.note", "destination": "there"}
    with at(of):
        run(
            "breaker_failed",
            failed
            | {
                "job_id": uuid4(),
                "threshold": 10,
                "open_for": LEASE,
                "longest": timedelta(hours=1),
            },
        )
        return Breaker.objects.get(organization_id=of.pk)


def queue_control(of: Organization, group: str = "backfill", **values: Any) -> QueueControl:
    """What the organization may take of a group, as its row says; Redis is not told."""
    mine = {"organization_id": of.pk, "queue_group": group}
    with at(of):
        return QueueControl.objects.update_or_create(**mine, defaults=values)[0]
