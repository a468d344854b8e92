"""The one function through which every change of a document is counted.

Called in the transaction of the change: if that is undone, so is the count. The row's lock puts the
changes of one document in order, so its versions rise by one and never repeat, also where it is
deleted and created again. The jobs that carry the change to the index are enqueued in the same
transaction.
"""

from collections.abc import Iterable
from itertools import batched

from jobs.families.search import requests
from jobs.families.search.documents import Key
from jobs.families.search.statements import run

FEW = 100
"""Documents that one write may change and still have a job each, ahead of bulk work."""
CHUNK = 1_000
"""Documents in one statement."""


def count(
    organization_id: int, keys: Iterable[Key], *, deleted: bool | None = None, bulk: bool = False
) -> dict[Key, int]:
    """Give each document its next version, and ask for it to be indexed; returns the versions.

    deleted: True where the entities are gone, False where they are new, None where something of
    them changed. bulk: it is not somebody's change of a moment ago.
    A few documents get a job each in the group `indexing`; many, or those of bulk work, one for
    each 500 in `backfill`, so that they stand before nobody's live changes. Needs a transaction in
    the organization's scope.
    """
    versions: dict[Key, int] = {}
    for chunk in batched(sorted(set(keys)), CHUNK):
        parameters = {
            "organization_id": organization_id,
            "kinds": [kind for kind, _ in chunk],
            "entity_ids": [entity_id for _, entity_id in chunk],
            "deleted": deleted,
        }
        for row in run("count", parameters):
            versions[row["kind"], row["entity_id"]] = row["version"]
    if bulk or len(versions) > FEW:
        requests.index_in_batches(organization_id, versions)
    else:
        requests.index_each(organization_id, versions)
    return versions
