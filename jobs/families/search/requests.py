"""What the family's jobs carry, and how they are asked for.

All run as the organization's system actor: whoever made a change may lose their rights a moment
later, and the change is to be found all the same. None names a project, which a mission may leave.
"""

import hashlib
from collections.abc import Iterable, Mapping
from itertools import batched, groupby
from typing import Any, Literal
from uuid import UUID, uuid4

from jobs.families.search.documents import Key
from jobs.job_types import JobType, Payload, registry
from jobs.ledger import NewJob, enqueue, enqueue_many

INDEX_ONE = {"mission": "search.index_mission", "project": "search.index_project"}
INDEX_BATCH = "search.index_batch"
TOUCH = "search.touch"
REINDEX = "search.reindex"
RECONCILE = "search.reconcile"
MOST_IN_BATCH = 500

type Touched = Literal["project", "collaborator"]


class IndexOne(Payload):
    """One document, and the version that asked for it; the newest one is written."""

    entity_id: int
    version: int


class IndexBatch(Payload):
    """Documents of one kind, whose versions are counted already; stamp: stands for these."""

    kind: Literal["mission", "project"]
    entity_ids: tuple[int, ...]
    stamp: str


class Touch(Payload):
    """The missions of a project, or those that a collaborator is assigned to, behind `after`.

    change: stands for the change that asked for it.
    """

    of: Touched
    entity_id: int
    after: int = 0
    change: str


class Reindex(Payload):
    """One slice of filling a generation; turn: which, so that a second job of it does nothing."""

    generation_id: int
    turn: int


class Reconcile(Payload):
    """Compare an organization's live index with the counter; slot: the time at which it was due."""

    slot: int


def index_each(organization_id: int, versions: Mapping[Key, int]) -> None:
    """A job for each of these documents, ahead of bulk work."""
    for kind, name in INDEX_ONE.items():
        jobs = [
            NewJob(
                payload=IndexOne(entity_id=entity_id, version=version),
                organization_id=organization_id,
                entity=(kind, str(entity_id)),
                actor_id="system",
            )
            for (of_kind, entity_id), version in versions.items()
            if of_kind == kind
        ]
        if jobs:
            enqueue_many(_type(name), jobs)


def index_in_batches(organization_id: int, versions: Mapping[Key, int]) -> None:
    """A job for each 500 of these documents, in `backfill`."""
    enqueue_many(_type(INDEX_BATCH), list(_batches(organization_id, versions)))


def touch(organization_id: int, of: Touched, entity_id: int) -> None:
    """Have all missions counted that show the name of this project or collaborator."""
    send_touch(organization_id, Touch(of=of, entity_id=entity_id, change=uuid4().hex))


def send_reindex(organization_id: int, payload: Reindex) -> UUID:
    """One more slice of it; returns the job's id."""
    sent = enqueue(
        _type(REINDEX),
        payload,
        organization_id=organization_id,
        entity=("searchgeneration", str(payload.generation_id)),
        actor_id="system",
    )
    return sent.job_id


def send_reconcile(organization_id: int, slot: int) -> None:
    """Compare and repair; once for each slot."""
    enqueue(
        _type(RECONCILE),
        Reconcile(slot=slot),
        organization_id=organization_id,
        entity=("organization", str(organization_id)),
        correlation_id=f"search-reconcile-{slot}",
        actor_id="system",
    )


def send_touch(organization_id: int, payload: Touch) -> None:
    """One more step of it."""
    enqueue(
        _type(TOUCH),
        payload,
        organization_id=organization_id,
        entity=(payload.of, str(payload.entity_id)),
        actor_id="system",
    )


def _batches(organization_id: int, versions: Mapping[Key, int]) -> Iterable[NewJob[IndexBatch]]:
    for kind, of_kind in groupby(sorted(versions), key=lambda key: key[0]):
        for keys in batched(of_kind, MOST_IN_BATCH):
            said = repr([(key, versions[key]) for key in keys])
            yield NewJob(
                payload=IndexBatch(
                    kind=kind,
                    entity_ids=tuple(entity_id for _, entity_id in keys),
                    stamp=hashlib.blake2b(said.encode(), digest_size=8).hexdigest(),
                ),
                organization_id=organization_id,
                entity=(kind, str(keys[0][1])),
                actor_id="system",
            )


def _type(name: str) -> JobType[Any]:
    # By name: the declarations import the actors, and those import this.
    return registry.get(name)
