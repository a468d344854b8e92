"""Write jobs into the ledger, in the caller's own transaction (a transactional outbox)."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction

from jobs.errors import PayloadInvalid
from jobs.job_types import JobType, Payload
from jobs.ledger.capacity import let_in
from jobs.ledger.idempotency import idempotency_key, known_keys
from jobs.ledger.publish import InLine, publish
from jobs.ledger.statements import run
from tenancy.acting import Actor, current


@dataclass(frozen=True, kw_only=True)
class NewJob[P: Payload]:
    """A job that is asked for.

    payload: what the actor gets. organization_id, project_id: whose it is.
    entity: (type, id) of what it is about, part of its idempotency key.
    correlation_id, actor_id: of who acts now, unless given.
    run_at: not before this moment; now, unless given.
    """

    payload: P
    organization_id: int
    entity: tuple[str, str]
    project_id: int | None = None
    correlation_id: str | None = None
    actor_id: str | None = None
    run_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Enqueued:
    """The job that answers to the request; `created` is False when an earlier one made it.

    An earlier job may have ended so long ago that its row is gone: its key, which is kept longer,
    still answers with its id, and the work is not done again.
    """

    job_id: uuid.UUID
    created: bool


def enqueue[P: Payload](
    job_type: JobType[P], payload: P, *, organization_id: int, entity: tuple[str, str], **more: Any
) -> Enqueued:
    """Write one job; the fields of `NewJob` say what. See `enqueue_many`."""
    new = NewJob(payload=payload, organization_id=organization_id, entity=entity, **more)
    return enqueue_many(job_type, [new])[0]


def enqueue_many[P: Payload](job_type: JobType[P], jobs: Sequence[NewJob[P]]) -> list[Enqueued]:
    """Write jobs of one type in one statement; needs a scope that covers their organizations.

    The same idempotency key again returns the job that it made, in whatever state it is by now; a
    dead or cancelled one is replayed by a person, not by asking again. Once the transaction
    commits, due jobs are put into Redis; if that fails, the relay does it a second later.

    While an operator drains the queue, or it is full, the jobs are held in the ledger and go on by
    themselves.

    Raises PayloadInvalid for a payload of another type, ValueError for an actor_id that names
    nobody, QueueFull for a job type that would rather refuse than wait (then none is written),
    NoScope, and what the database raises.
    """
    if not jobs:
        return []
    acting = current()
    correlation_ids = [job.correlation_id or acting.correlation_id for job in jobs]
    actor_ids = [job.actor_id or str(acting.actor) for job in jobs]
    _check(job_type, jobs, actor_ids)
    keys = [
        idempotency_key(
            job_type.name,
            entity=job.entity,
            correlation_id=correlation_id,
            discriminator=job_type.discriminator(job.payload),
        )
        for job, correlation_id in zip(jobs, correlation_ids, strict=True)
    ]
    with transaction.atomic():
        rows = run(
            "enqueue",
            {
                "organization_ids": [job.organization_id for job in jobs],
                "keys": keys,
                "project_ids": [job.project_id for job in jobs],
                "payloads": [job.payload.model_dump_json() for job in jobs],
                "entity_types": [job.entity[0] for job in jobs],
                "entity_ids": [job.entity[1] for job in jobs],
                "correlation_ids": correlation_ids,
                "actor_ids": actor_ids,
                "caused_by": [acting.job_id for _ in jobs],
                "run_at": [job.run_at for job in jobs],
                "job_type": job_type.name,
                "queue_group": job_type.group,
                "max_attempts": job_type.policy.max_attempts,
                "policy_version": job_type.policy.version,
            },
        )
        _fill_in(rows, [(job.organization_id, key) for job, key in zip(jobs, keys, strict=True)])
        new = [
            (
                InLine(
                    organization_id=job.organization_id,
                    job_id=row["job_id"],
                    job_type=job_type.name,
                    group=job_type.group,
                ),
                row["capacity"],
            )
            for job, row in zip(jobs, rows, strict=True)
            if row["created"] and row["is_due"]
        ]
        due = let_in(job_type, new)
        if due:
            # After the commit, because a worker may be quicker than we are; the request does not
            # fail for Redis, because the relay makes good what is missed here.
            transaction.on_commit(partial(publish, due), robust=True)
    return [Enqueued(job_id=row["job_id"], created=row["created"]) for row in rows]


def _check[P: Payload](
    job_type: JobType[P], jobs: Sequence[NewJob[P]], actor_ids: Iterable[str]
) -> None:
    """Refuse here, where the caller hears of it, what no worker could run."""
    for job in jobs:
        if not isinstance(job.payload, job_type.payload):
            raise PayloadInvalid(job_type.name, f"{type(job.payload).__name__} is not its type")
    for actor_id in set(actor_ids):
        Actor.parse(actor_id)


def _fill_in(rows: list[dict[str, Any]], pairs: list[tuple[int, bytes]]) -> None:
    """Ask again for keys that another transaction committed while our statement ran."""
    missing = [pair for row, pair in zip(rows, pairs, strict=True) if row["job_id"] is None]
    known = known_keys(missing) if missing else {}
    for row, pair in zip(rows, pairs, strict=True):
        if row["job_id"] is None:
            row["job_id"] = known[pair]
