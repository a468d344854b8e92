"""One statement's worth of new jobs: what is sent for them, and what became of each."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError

from jobs.errors import PayloadInvalid
from jobs.job_types import JobType, Payload
from jobs.ledger import ids
from jobs.ledger.idempotency import idempotency_key, known_keys
from jobs.ledger.statements import statement
from tenancy.acting import Actor, current
from tenancy.postgresql import arrays
from tenancy.postgresql.flush import Statement

if TYPE_CHECKING:
    from jobs.ledger.enqueue import NewJob

Row = dict[str, Any]


class Batch:
    """Jobs of one type, with the ids that they get.

    job_ids, created: what `EnqueuedMany` keeps, right once `learn` was told what the database said.
    """

    def __init__[P: Payload](self, job_type: JobType[P], jobs: "Sequence[NewJob[P]]") -> None:
        """Raise PayloadInvalid or ValueError for what no worker could run."""
        self.job_type: JobType[Any] = job_type
        self.job_ids = ids.new_ids(len(jobs))
        self.created = b"\1" * len(jobs)
        self._acting = current()
        self._jobs = jobs
        self._organization_ids = [job.organization_id for job in jobs]
        self._correlation_ids = [job.correlation_id or self._acting.correlation_id for job in jobs]
        self._keys = self._make_keys()
        self._exceptions: dict[int, Row] = {}

    def statement(self) -> Statement:
        """Writes them."""
        jobs = self._jobs
        return statement(
            "enqueue",
            self._common()
            | {
                "organization_ids": arrays.numbers(self._organization_ids),
                "keys": arrays.binary(self._keys),
                "job_ids": ids.as_array(self.job_ids),
                "project_ids": arrays.numbers([job.project_id for job in jobs]),
                "payloads": arrays.texts([job.payload.model_dump_json() for job in jobs]),
                "entity_types": arrays.texts([job.entity[0] for job in jobs]),
                "entity_ids": arrays.texts([job.entity[1] for job in jobs]),
                "correlation_ids": arrays.texts(self._correlation_ids),
                "actor_ids": arrays.texts(self._actor_ids()),
                "run_at": arrays.moments([job.run_at for job in jobs]),
            },
        )

    def statement_of_one(self) -> Statement:
        """Writes the only one, if nothing about it is special: see `enqueue_one.sql`."""
        [job] = self._jobs
        return statement(
            "enqueue_one",
            self._common()
            | {
                "organization_id": job.organization_id,
                "key": self._keys[0],
                "job_id": self.job_ids.hex(),
                "project_id": job.project_id,
                "payload": job.payload.model_dump_json(),
                "entity_type": job.entity[0],
                "entity_id": job.entity[1],
                "correlation_id": self._correlation_ids[0],
                "actor_id": self._actor_ids()[0],
            },
        )

    def _common(self) -> dict[str, Any]:
        return {
            "caused_by": self._acting.job_id,
            "job_type": self.job_type.name,
            "queue_group": self.job_type.group,
            "max_attempts": self.job_type.policy.max_attempts,
            "policy_version": self.job_type.policy.version,
        }

    def learn(self, rows: Iterable[Row]) -> None:
        """What `enqueue.sql` answered; asks which jobs the known keys made.

        Also those that another transaction committed while the statement ran. Raises IntegrityError
        for an organization that does not exist.
        """
        by_id = {row["job_id"].bytes: row for row in rows}
        if not by_id:
            return
        self._exceptions = {
            place: by_id[job_id]
            for place, job_id in enumerate(ids.each(self.job_ids))
            if job_id in by_id
        }
        repeated = [place for place, row in self._exceptions.items() if not row["created"]]
        if repeated:
            self._answer_with_earlier(repeated)

    def unlimited(self) -> tuple[list[int], bytes]:
        """Organizations and ids of the new jobs that are due, of queues without a capacity."""
        if not self._exceptions:
            return self._organization_ids, self.job_ids
        of = [place for place in range(len(self._jobs)) if self._is_due(place, limited=False)]
        return [self._organization_ids[place] for place in of], b"".join(
            ids.at(self.job_ids, place).bytes for place in of
        )

    def limited(self) -> Iterator[tuple[int, uuid.UUID, int]]:
        """Organization, id and capacity of the new jobs that are due, where the queue has one."""
        for place, row in self._exceptions.items():
            if self._is_due(place, limited=True):
                yield self._organization_ids[place], ids.at(self.job_ids, place), row["capacity"]

    def _is_due(self, place: int, *, limited: bool) -> bool:
        row = self._exceptions.get(place)
        if row is None:
            return not limited
        return row["created"] and row["is_due"] and (row["capacity"] is not None) == limited

    def _answer_with_earlier(self, repeated: list[int]) -> None:
        pairs = {place: (self._organization_ids[place], self._keys[place]) for place in repeated}
        known = known_keys(list(pairs.values()))
        job_ids, created = bytearray(self.job_ids), bytearray(self.created)
        for place, (organization_id, key) in pairs.items():
            job_id = known.get((organization_id, key))
            if job_id is None:
                raise IntegrityError(
                    f"Organization {organization_id} is none of the scope in force, or does not "
                    "exist, so no job was written. Enqueue inside `tenancy.scope` of it."
                )
            job_ids[ids.SIZE * place : ids.SIZE * (place + 1)] = job_id.bytes
            created[place] = False
        self.job_ids, self.created = bytes(job_ids), bytes(created)

    def _make_keys(self) -> list[bytes]:
        """And refuse here, where the caller hears of it, what is no payload of the type."""
        keys, job_type = [], self.job_type
        for job, correlation_id in zip(self._jobs, self._correlation_ids, strict=True):
            if not isinstance(job.payload, job_type.payload):
                raise PayloadInvalid(job_type.name, f"{type(job.payload).__name__} is not its type")
            keys.append(
                idempotency_key(
                    job_type.name,
                    entity=job.entity,
                    correlation_id=correlation_id,
                    discriminator=job_type.discriminator(job.payload),
                )
            )
        return keys

    def _actor_ids(self) -> list[str]:
        us = str(self._acting.actor)
        actor_ids = [job.actor_id or us for job in self._jobs]
        for actor_id in set(actor_ids):
            Actor.parse(actor_id)
        return actor_ids
