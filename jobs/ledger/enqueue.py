"""Write jobs into the ledger, in the caller's own transaction (a transactional outbox)."""

import uuid
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import Any, overload

from django.db import connection, transaction

from jobs.job_types import JobType, Payload
from jobs.ledger import ids
from jobs.ledger.batch import Batch
from jobs.ledger.capacity import let_in
from jobs.ledger.publish import Due, InLine
from tenancy.postgresql.flush import PLANNED_AS_USUAL, PLANNED_ONCE, atomic, committed, flush

CHUNK = 1_000
"""Jobs in one statement."""


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

    def add(self, job_ids: bytes, created: bytes) -> None:
        """The answers to the next requests: 16 bytes and 1 for each."""
        self._ids += job_ids
        self._created += created

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
        place = range(len(self))[place]
        return Enqueued(job_id=ids.at(self._ids, place), created=bool(self._created[place]))


def enqueue[P: Payload](
    job_type: JobType[P], payload: P, *, organization_id: int, entity: tuple[str, str], **more: Any
) -> Enqueued:
    """Write one job; the fields of `NewJob` say what. See `enqueue_many`."""
    new = NewJob(payload=payload, organization_id=organization_id, entity=entity, **more)
    return _in_one_trip(job_type, new) or enqueue_many(job_type, [new])[0]


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
    NoScope, and what the database raises: IntegrityError for an organization or a project that
    does not exist.
    """
    enqueued, due = EnqueuedMany(), Due(job_type.name, job_type.group)
    with _transaction(job_type):
        for chunk in batched(jobs, CHUNK):
            batch = Batch(job_type, chunk)
            answers = flush(PLANNED_ONCE, batch.statement(), PLANNED_AS_USUAL)
            batch.learn(answers["jobs.enqueue"])
            enqueued.add(batch.job_ids, batch.created)
            _let_in(batch, due)
        if due:
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


def _in_one_trip[P: Payload](job_type: JobType[P], new: NewJob[P]) -> Enqueued | None:
    """Write one job that is simply new and due; None, and nothing is written, for any other.

    Outside a transaction it is committed by the same trip, and published at once.
    """
    if new.run_at is not None:
        return None
    batch = Batch(job_type, [new])
    if connection.in_atomic_block:
        answers = flush(PLANNED_ONCE, batch.statement_of_one(), PLANNED_AS_USUAL)
    else:
        answers = committed(batch.statement_of_one())
    if not answers["jobs.enqueue_one"]:
        return None
    due = Due(job_type.name, job_type.group)
    due.add(*batch.unlimited())
    transaction.on_commit(due.publish, robust=True)
    return Enqueued(job_id=ids.at(batch.job_ids, 0), created=True)


def _let_in(batch: Batch, due: Due) -> None:
    """Note which jobs go in line: those that are due, and for which there is room."""
    due.add(*batch.unlimited())
    limited = [
        (
            InLine(
                organization_id=organization_id,
                job_id=job_id,
                job_type=batch.job_type.name,
                group=batch.job_type.group,
            ),
            capacity,
        )
        for organization_id, job_id, capacity in batch.limited()
    ]
    admitted = let_in(batch.job_type, limited, ahead=due.per_organization)
    due.add([job.organization_id for job in admitted], b"".join(j.job_id.bytes for j in admitted))
