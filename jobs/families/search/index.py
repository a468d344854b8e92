"""Write documents to the index as they stand now: one read, one bulk write for each generation.

Which versions asked for it does not matter, nor in what order: the newest is read, and a backend
refuses what is older than what it has. Killed anywhere, it is done again with the same result.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction

from jobs.families.search import generations, metrics
from jobs.families.search.backends import Backend, Generation, Outcome, Result
from jobs.families.search.backends.choose import backend
from jobs.families.search.documents import Document, Key, Read, read
from jobs.families.search.statements import run

MOST_DOCUMENTS = 500
MOST_BYTES = 5 * 1024 * 1024
"""In one bulk write; a single document has 256 KiB at most."""

_WORST = (Result.SUPERSEDED, Result.WRITTEN, Result.REFUSED)


def index(organization_id: int, keys: Iterable[Key]) -> dict[Key, Outcome]:
    """Write these documents to every generation; what became of each that the counter knows.

    Runs transactions of its own in the organization's scope. Raises BackendUnavailable, and then
    any of them may have been written or not.
    """
    wanted, to = sorted(set(keys)), backend()
    outcomes: dict[Key, Outcome] = {}
    for first in range(0, len(wanted), MOST_DOCUMENTS):
        some = wanted[first : first + MOST_DOCUMENTS]
        if to.capability == "lock":
            # It takes any version: nobody may count a newer one, nor write it, meanwhile.
            with transaction.atomic():
                run("lock", _keys(organization_id, some))
                outcomes |= _write(to, organization_id, _read(organization_id, some))
        else:
            outcomes |= _write(to, organization_id, _read(organization_id, some))
    return outcomes


def put(to: Backend, generation: Generation, documents: Sequence[Document]) -> dict[Key, Outcome]:
    """Write documents to one generation, in bulk writes of the size that a backend takes."""
    outcomes: dict[Key, Outcome] = {}
    for batch in batches(documents):
        answers = to.put(generation, batch)
        outcomes |= {one.key: answer for one, answer in zip(batch, answers, strict=True)}
    return outcomes


def batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """In their order, at most 500 and 5 MiB in each."""
    batch: list[Document] = []
    size = 0
    for document in documents:
        if batch and (len(batch) == MOST_DOCUMENTS or size + document.size > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(document)
        size += document.size
    if batch:
        yield batch


def note(organization_id: int, documents: Iterable[Document]) -> list[float]:
    """Note these as indexed; seconds since each was changed, those without a newer version only."""
    rows = sorted(documents, key=lambda one: one.key)
    parameters = _keys(organization_id, [one.key for one in rows]) | {
        "versions": [one.version for one in rows],
        "digests": [one.digest for one in rows],
    }
    with transaction.atomic():
        return [row["seconds"] for row in run("indexed", parameters)]


def _read(organization_id: int, keys: Sequence[Key]) -> Read:
    with transaction.atomic():
        found = read(organization_id, keys)
        if not found.generations:
            generations.first(organization_id)
            found = read(organization_id, keys)
        return found


def _write(to: Backend, organization_id: int, found: Read) -> dict[Key, Outcome]:
    outcomes: dict[Key, Outcome] = {}
    for number in found.generations:
        generation = Generation(organization_id=organization_id, number=number)
        for key, answer in put(to, generation, found.documents).items():
            outcomes[key] = _worse(outcomes.get(key, answer), answer)
    indexed = [one for one in found.documents if outcomes[one.key].result != Result.REFUSED]
    metrics.observe(outcomes.values(), note(organization_id, indexed))
    return {one.key: replace(outcomes[one.key], version=one.version) for one in found.documents}


def _worse(one: Outcome, other: Outcome) -> Outcome:
    return max(one, other, key=lambda outcome: _WORST.index(outcome.result))


def _keys(organization_id: int, keys: Sequence[Key]) -> dict[str, Any]:
    return {
        "organization_id": organization_id,
        "kinds": [kind for kind, _ in keys],
        "entity_ids": [entity_id for _, entity_id in keys],
    }
