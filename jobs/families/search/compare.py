"""Is the index what the counter says? Bucket by bucket, in the index's order.

The index is read before the counter: a change of that moment makes the counter newer, never the
index, so what is *ahead* is ahead for good. A document that lacks a version counts as a difference
only once the version is old enough for its job to have run.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from jobs.families.search.backends import Generation, Stored
from jobs.families.search.backends.choose import backend
from jobs.families.search.documents import Key
from jobs.families.search.statements import run
from tenancy.scope import scope

BUCKET = 1_000
FRESH_SECONDS = 60.0
"""How long a change may take to reach the index before it is called a difference."""

KINDS = ("missing", "stale", "ahead", "orphaned", "foreign")
"""missing: not in the index. stale: older there, or not as it was written. ahead: newer there than
the counter knows, as after a restored database. orphaned: in the index alone. foreign: it claims
another organization than the one whose index it is in."""

type Entries = dict[Key, dict[str, Any]]


@dataclass(kw_only=True)
class Differences:
    """Of one generation. compared: entries of the counter, and documents that it does not know."""

    compared: int = 0
    found: list[tuple[str, Key]] = field(default_factory=list)
    stray: list[Stored] = field(default_factory=list)
    foreign: list[Stored] = field(default_factory=list)

    @property
    def keys(self) -> set[Key]:
        """The documents that are to be written anew."""
        return {key for kind, key in self.found if kind in ("missing", "stale")}

    @property
    def counts(self) -> dict[str, int]:
        """How many of each kind, the zeros too."""
        found = Counter(kind for kind, _ in self.found)
        return {kind: found[kind] for kind in KINDS}


def differences(generation: Generation, *, settled_after: float = FRESH_SECONDS) -> Differences:
    """Compare all of a generation, in the organization's scope.

    settled_after: seconds that a version must be old to be missed.
    """
    result = Differences()
    for stored, entries in _buckets(generation):
        documents = {}
        for one in stored:
            if one.organization_id != generation.organization_id:
                result.foreign.append(one)
                result.found.append(("foreign", (one.kind, one.entity_id)))
            else:
                documents[one.kind, one.entity_id] = one
        result.compared += len(documents.keys() | entries.keys())
        for key, entry in entries.items():
            kind = _kind(documents.get(key), entry, settled_after)
            if kind:
                result.found.append((kind, key))
        for key in documents.keys() - entries.keys():
            result.stray.append(documents[key])
            result.found.append(("orphaned", key))
    return result


def drift() -> dict[str, int]:
    """Differences by kind, as the last comparison of each live index found them; as `engine`."""
    return dict.fromkeys(KINDS, 0) | {row["kind"]: row["documents"] for row in run("drift")}


def _kind(document: Stored | None, entry: dict[str, Any], settled_after: float) -> str | None:
    version, is_settled = entry["version"], entry["age_seconds"] >= settled_after
    if document is None:
        return "missing" if is_settled else None
    if document.version > version:
        return "ahead"
    if document.version < version:
        return "stale" if is_settled else None
    known = entry["digest"]
    is_same = document.digest == known if known else bool(document.digest)
    is_gone = entry["deleted"] and not document.deleted
    return None if is_same and not is_gone else "stale"


def _buckets(generation: Generation) -> Iterator[tuple[list[Stored], Entries]]:
    """Both sides, one range of keys after the other; each key of either is in exactly one."""
    after: Key = ("", 0)
    while True:
        with scope(generation.organization_id):
            stored = backend().scan(generation, after, BUCKET)
        rows = _entries(generation.organization_id, after)
        ends = [
            (last.kind, last.entity_id) if isinstance(last, Stored) else last
            for last in _last(stored, rows)
        ]
        until = min(ends) if ends else None
        yield (
            [one for one in stored if until is None or (one.kind, one.entity_id) <= until],
            {key: entry for key, entry in rows.items() if until is None or key <= until},
        )
        if until is None:
            return
        after = until


def _last(stored: list[Stored], rows: Entries) -> Iterable[Stored | Key]:
    """The last of each side that may have more behind it."""
    if len(stored) == BUCKET:
        yield stored[-1]
    if len(rows) == BUCKET:
        yield next(reversed(rows))


def _entries(organization_id: int, after: Key) -> Entries:
    kind, entity_id = after
    parameters = {"organization_id": organization_id, "kind": kind, "entity_id": entity_id}
    with transaction.atomic():
        rows = run("entries", parameters | {"limit": BUCKET})
    return {(row["kind"], row["entity_id"]): row for row in rows}
