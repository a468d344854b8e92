"""Missions of one organization to its index, in this process or by the worker that is running.

bare ORGANIZATION bulk|single N     ready-made documents by the backend's own statement, as `app`
single ORGANIZATION N               one document after the other, read and written as a job does
jobs ORGANIZATION each|batches N    enqueue, for a worker that runs; until the last job has ended
recover ORGANIZATION                declare Redis whole, for the worker that starts next
full ORGANIZATION                   a reindex, by a worker that runs, until readers use it

Each prints one line of JSON: documents and seconds.
"""

import json
import sys
import time
from collections.abc import Sequence
from itertools import batched

import django

django.setup()

from django.db import transaction  # noqa: E402 - needs the settings

from jobs.families.search import generations, reindex, requests  # noqa: E402
from jobs.families.search.backends.postgresql.vector import vector  # noqa: E402
from jobs.families.search.documents import Document, read  # noqa: E402
from jobs.families.search.index import MOST_DOCUMENTS, index  # noqa: E402
from jobs.families.search.models import GenerationState, SearchEntry  # noqa: E402
from jobs.families.search.statements import run as sql  # noqa: E402
from jobs.ledger import relay  # noqa: E402
from jobs.ledger.models import Job  # noqa: E402
from jobs.ledger.states import FINAL  # noqa: E402
from tenancy.scope import scope  # noqa: E402

LOOK_SECONDS = 0.02
MOST_SECONDS = 1_800


def bare(of: int, how: str, documents: int) -> dict[str, float]:
    """Nothing is read, counted, cut or noted: the words are made before the clock starts."""
    number = _new_generation(of)
    size = MOST_DOCUMENTS if how == "bulk" else 1
    ready = []
    for keys in batched(_keys(of, documents), MOST_DOCUMENTS):
        with transaction.atomic():
            found = read(of, keys).documents
        ready += [_ready(of, number, some) for some in batched(found, size)]
    began = time.monotonic()
    for parameters in ready:
        with transaction.atomic():
            sql("postgresql_put", parameters)
    return {"documents": documents, "seconds": time.monotonic() - began}


def single(of: int, documents: int) -> dict[str, float]:
    """As a job does that is alone in hand, its life in the ledger left out."""
    _new_generation(of)
    keys = _keys(of, documents)
    began = time.monotonic()
    for key in keys:
        index(of, [key])
    return {"documents": documents, "seconds": time.monotonic() - began}


def jobs(of: int, how: str, documents: int) -> dict[str, float]:
    """From the first job that ends to the last: the worker's start is not ours."""
    _new_generation(of)
    with transaction.atomic():
        entries = SearchEntry.objects.filter(organization_id=of, kind="mission")[:documents]
        versions = {(one.kind, one.entity_id): one.version for one in entries}
    ask = requests.index_each if how == "each" else requests.index_in_batches
    began = time.monotonic()
    with transaction.atomic():
        ask(of, versions)
    enqueued = time.monotonic()
    _until(lambda: not Job.objects.exclude(state__in=FINAL).filter(organization_id=of).exists())
    seconds = time.monotonic() - (enqueued if how == "each" else began)
    return {"documents": len(versions), "seconds": seconds}


def full(of: int) -> dict[str, float]:
    """Seed, scan, write, compare and swap."""
    began = time.monotonic()
    with transaction.atomic():
        new = reindex.start(of, "a benchmark")
    live = generations.of(of).filter(pk=new.pk, state=GenerationState.LIVE)
    _until(live.exists)
    return {"documents": new.total, "seconds": time.monotonic() - began}


def _new_generation(of: int) -> int:
    """An empty one, and no other that is written."""
    with transaction.atomic():
        generations.drop_all(of)
        generations.first(of)
        sql("seed", {"organization_id": of})
        live = generations.live(of)
    assert live is not None
    return live.number


def _keys(of: int, documents: int) -> list[tuple[str, int]]:
    with transaction.atomic():
        rows = SearchEntry.objects.filter(organization_id=of, kind="mission").order_by("entity_id")
        return list(rows.values_list("kind", "entity_id")[:documents])


def _ready(of: int, number: int, documents: Sequence[Document]) -> dict[str, object]:
    return {
        "organization_id": of,
        "generation_id": number,
        "kinds": [one.kind for one in documents],
        "entity_ids": [one.entity_id for one in documents],
        "versions": [one.version for one in documents],
        "deleted": [one.deleted for one in documents],
        "project_ids": [one.project_id for one in documents],
        "titles": [one.title for one in documents],
        "vectors": [vector(one, number) for one in documents],
        "digests": [one.digest for one in documents],
    }


def _until(holds: object) -> None:
    deadline = time.monotonic() + MOST_SECONDS
    while time.monotonic() < deadline:
        with transaction.atomic():
            if holds():  # type: ignore[operator]
                return
        time.sleep(LOOK_SECONDS)
    raise SystemExit("the worker did not end in time")


def main(verb: str, organization: str, *more: str) -> dict[str, float]:
    """One verb in the organization's scope."""
    of = int(organization)
    with scope(of):
        match verb, more:
            case "bare", (how, count):
                return bare(of, how, int(count))
            case "single", (count,):
                return single(of, int(count))
            case "jobs", (how, count):
                return jobs(of, how, int(count))
            case "full", ():
                return full(of)
            case "recover", ():
                return {"recovered": float(relay.recover())}
    raise SystemExit(__doc__)


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
