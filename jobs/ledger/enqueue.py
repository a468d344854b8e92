"""Write jobs into the ledger, in the caller's own transaction (a transactional outbox)."""

import uuid
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import Any, overload

from django.db import connection, transaction

from jobs.errors import PayloadInvalid
from jobs.job_types import JobType, Payload
from jobs.ledger.capacity import let_in
from jobs.ledger.idempotency import idempotency_key, known_keys
from jobs.ledger.publish import InLine, publish
from jobs.ledger.statements import run, statement
from tenancy.acting import Actor, current
from tenancy.postgresql.flush import atomic, flush

CHUNK = 1_000
"""Jobs in one statement, and in one step of publishing."""

FEW = 10


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


class EnqueuedMany(Sequence[Enqueued]):
    """What became of many requests, in their order; 17 bytes each, so that a million fit."""

    def __init__(self) -> None:
        self._ids = bytearray()
        self._created = bytearray()

    def add(self, job_id: uuid.UUID, *, created: bool) -> None:
        """The answer to the next request."""
        self._ids += job_id.bytes
        self._created.append(created)

    @property
    def created(self) -> int:
        """How many are new."""
        return self._created.count(1)

    def __len__(self) -> int:
        return len(self._created)

    @overload
    def __getitem__(self, place: int) -> Enqueued: ...
    @overload
    def __getitem__(self, place: slice) -> list[Enqueued]: ...
    def __getitem__(self, place: int | slice) -> Enqueued | list[Enqueued]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        at = range(len(self))[place]
        job_id = uuid.UUID(bytes=bytes(self._ids[16 * at : 16 * at + 16]))
        return Enqueued(job_id=job_id, created=bool(self._created[at]))


def enqueue[P: Payload](
    job_type: JobType[P], payload: P, *, organization_id: int, entity: tuple[str, str], **more: Any
) -> Enqueued:
    """Write one job; the fields of `NewJob` say what. See `enqueue_many`."""
    new = NewJob(payload=payload, organization_id=organization_id, entity=entity, **more)
    return enqueue_many(job_type, [new])[0]


def enqueue_many[P: Payload](job_type: JobType[P], jobs: Iterable[NewJob[P]]) -> EnqueuedMany:
    """Write jobs of one type; needs a scope that covers their organizations.

    A statement for each CHUNK of them, all in one transaction, the caller's if there is one. Give a
    generator for very many: what is kept until the commit is 41 bytes a job.

    The same idempotency key again returns the job that it made, in whatever state it is by now; a
    dead or cancelled one is replayed by a person, not by asking again. Once the transaction
    commits, due jobs are put into Redis; if that fails, the relay does it a second later.

    While an operator drains the queue, or it is full, the jobs are held in the ledger and go on by
    themselves.

    Raises PayloadInvalid for a payload of another type, ValueError for an actor_id that names
    nobody, QueueFull for a job type that would rather refuse than wait (then none is written),
    NoScope, and what the database raises.
    """
    enqueued, due = EnqueuedMany(), _Due(job_type)
    with _transaction(job_type):
        for chunk in batched(jobs, CHUNK):
            rows = _write(job_type, chunk)
            for row in rows:
                enqueued.add(row["job_id"], created=row["created"])
            due.add(let_in(job_type, _due(job_type, chunk, rows), ahead=due.per_organization))
        if due.per_organization:
            # After the commit, because a worker may be quicker than we are; the request does not
            # fail for Redis, because the relay makes good what is missed here.
            transaction.on_commit(due.publish, robust=True)
    return enqueued


def _transaction(job_type: JobType[Any]) -> AbstractContextManager[Any]:
    """The caller's, or one of our own, which takes a trip less to begin and to end.

    In the caller's no savepoint, except where the caller may want to go on after QueueFull.
    """
    if connection.in_atomic_block:
        return transaction.atomic(savepoint=job_type.when_full == "refuse")
    return atomic()


def _due(
    job_type: JobType[Any], jobs: Sequence[NewJob[Any]], rows: Sequence[dict[str, Any]]
) -> list[tuple[InLine, int | None]]:
    """The new jobs that need not wait, each with the capacity of its queue."""
    return [
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


class _Due:
    """Jobs that go into Redis once they are committed, 24 bytes each until then."""

    def __init__(self, job_type: JobType[Any]) -> None:
        self._job_type = job_type
        self._organization_ids = array("q")
        self._ids = bytearray()
        self.per_organization: Counter[int] = Counter()

    def add(self, jobs: Iterable[InLine]) -> None:
        for job in jobs:
            self._organization_ids.append(job.organization_id)
            self._ids += job.job_id.bytes
            self.per_organization[job.organization_id] += 1

    def publish(self) -> None:
        """Chunk by chunk; the relay does the rest when Redis refuses one."""
        for chunk in batched(self._in_line(), CHUNK):
            if not publish(chunk):
                return

    def _in_line(self) -> Iterator[InLine]:
        for place, organization_id in enumerate(self._organization_ids):
            yield InLine(
                organization_id=organization_id,
                job_id=uuid.UUID(bytes=bytes(self._ids[16 * place : 16 * place + 16])),
                job_type=self._job_type.name,
                group=self._job_type.group,
            )


def _write[P: Payload](job_type: JobType[P], jobs: Sequence[NewJob[P]]) -> list[dict[str, Any]]:
    """What `enqueue.sql` answers for each, in their order."""
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
    rows = _run_enqueue(
        len(jobs),
        {
            "organization_ids": [job.organization_id for job in jobs],
            "keys": keys,
            "project_ids": [job.project_id for job in jobs],
            "payloads": [job.payload.model_dump_json() for job in jobs],
            "entity_types": [job.entity[0] for job in jobs],
            "entity_ids": [job.entity[1] for job in jobs],
            "correlation_ids": correlation_ids,
            "actor_ids": actor_ids,
            "caused_by": acting.job_id,
            "run_at": [job.run_at for job in jobs],
            "job_type": job_type.name,
            "queue_group": job_type.group,
            "max_attempts": job_type.policy.max_attempts,
            "policy_version": job_type.policy.version,
        },
    )
    _fill_in(rows, [(job.organization_id, key) for job, key in zip(jobs, keys, strict=True)])
    return rows


def _run_enqueue(count: int, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    # Planned once and for all, joins are nested loops: best for few, quadratic for a thousand.
    if count <= FEW:
        return flush(statement("enqueue", parameters))["jobs.enqueue"]
    return run("enqueue", parameters)


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
