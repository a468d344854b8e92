"""An organization whose documents are counted and indexed, without a worker process.

`work` is what workers do with the search jobs that wait, in this thread; `documents` is what the
index then holds.
"""

from typing import Any

from django.db import connection, transaction

from jobs.execution.job import Run
from jobs.families.search.backends import Generation, Stored
from jobs.families.search.backends.choose import backend
from jobs.families.search.documents import Key
from jobs.families.search.models import (
    GenerationState,
    SearchDocument,
    SearchEntry,
    SearchGeneration,
)
from jobs.job_types import registry
from jobs.ledger import transitions
from jobs.ledger.models import Job
from jobs.ledger.transitions import JobRef
from tenancy.acting import Actor, acting
from tenancy.models import Organization
from tenancy.scope import scope
from tests.factories.jobs import at, claim, started


def indexed_document(of: Organization) -> SearchDocument:
    """One document in a live generation, and its entry; about a mission that is not there."""
    key: dict[str, Any] = {"organization": of, "kind": "mission", "entity_id": 0}
    with scope(of), transaction.atomic():
        SearchEntry.objects.create(**key)
        generation = SearchGeneration.objects.create(
            organization=of, backend="postgresql", state=GenerationState.RETIRED
        )
        return SearchDocument.objects.create(
            generation=generation, version=1, vector="", digest="", checksum=0, **key
        )


def waiting(of: Organization, job_type: str = "search.") -> list[Job]:
    """The jobs of the family that are due, the oldest first."""
    with at(of):
        return list(
            Job.objects.filter(
                organization_id=of.pk, job_type__startswith=job_type, state="queued"
            ).order_by("id")
        )


def work(of: Organization, job_type: str = "search.") -> int:
    """Run what waits, and what follows from it, until nothing is left; returns how many ran.

    Outside any transaction.
    """
    ran = 0
    while jobs := waiting(of, job_type):
        for job in jobs:
            perform(JobRef(organization_id=of.pk, job_id=job.pk))
        ran += len(jobs)
    return ran


def perform(ref: JobRef) -> None:
    """Run one job as a worker does, and settle it. Raises what its actor raises."""
    job = started(claim(ref))
    job_type = registry.get(job.job_type)
    run = Run(job=job, job_type=job_type, payload=job_type.read(job.payload))
    with scope(ref.organization_id), acting(Actor.system(), source="worker"):
        if job_type.effect == "outside":
            job_type.perform(run)
            if not run.is_settled:
                with transaction.atomic():
                    transitions.settle(job)
            return
        with transaction.atomic():
            job_type.perform(run)
            transitions.settle(job)


def entries(of: Organization) -> dict[Key, SearchEntry]:
    """What the counter says."""
    with at(of):
        found = SearchEntry.objects.filter(organization=of)
        return {(one.kind, one.entity_id): one for one in found}


def version(of: Organization, entity: Any) -> int:
    """Of a mission's or project's document; 0 where it was never counted."""
    entry = entries(of).get((entity._meta.model_name, entity.pk))
    return entry.version if entry else 0


def generation(of: Organization, state: str = "live") -> Generation | None:
    """The organization's generation in this state."""
    with at(of):
        row = SearchGeneration.objects.filter(organization=of, state=state).first()
    return row and Generation(organization_id=of.pk, number=row.pk)


def documents(of: Organization, state: str = "live") -> dict[Key, Stored]:
    """What the index holds."""
    where = generation(of, state)
    if where is None:
        return {}
    with scope(of):
        return {(one.kind, one.entity_id): one for one in backend().scan(where, limit=10_000)}


def vector(of: Organization, entity: Any) -> str:
    """The words of a document in the live generation, as PostgreSQL shows them."""
    with at(of), connection.cursor() as cursor:
        cursor.execute(
            "SELECT d.vector::text FROM search_document d JOIN search_generation g "
            "ON g.id = d.generation_id AND g.state = 'live' "
            "WHERE d.organization_id = %s AND d.kind = %s AND d.entity_id = %s",
            [of.pk, entity._meta.model_name, entity.pk],
        )
        return "".join(row[0] for row in cursor.fetchall())
