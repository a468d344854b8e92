"""What the index knows of a mission or a project, read in one statement.

Version, content and the list of generations come out of one snapshot: whatever a job writes is
consistent, and one that did not see a new generation has read a version that the scan which fills
this generation sees too. So a reindex needs no barrier, and no lock on writes.
"""

import functools
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from jobs.families.search.statements import run

type Key = tuple[str, int]
"""Which document: (kind, entity_id), inside one organization."""

MOST_BYTES = 256 * 1024
"""Of the text of one document, in UTF-8."""
MOST_ENTRIES = 50
"""Of a mission's timeline: the newest."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """One document as a backend gets it; of a tombstone, only the first five count.

    project_id: the project that it belongs to, or is.
    reference: a mission's reference, a project's code. state: of the mission or project.
    archived: the project that it belongs to, or is, is archived.
    project: code and name of a mission's project. people: who is assigned, names and roles.
    text: description and timeline. truncated: some of the text was cut off.
    """

    organization_id: int
    kind: str
    entity_id: int
    version: int
    deleted: bool = False
    project_id: int | None = None
    reference: str = ""
    title: str = ""
    state: str = ""
    archived: bool = False
    project: str = ""
    people: str = ""
    text: str = ""
    truncated: bool = False

    @property
    def key(self) -> Key:
        """Which document it is."""
        return self.kind, self.entity_id

    @functools.cached_property
    def digest(self) -> str:
        """32 hexadecimal digits that stand for all of it but organization, key and version."""
        parts = (self.deleted, self.project_id, self.reference, self.title, self.state)
        canonical = json.dumps([*parts, self.archived, self.project, self.people, self.text])
        return hashlib.blake2b(canonical.encode(), digest_size=16).hexdigest()

    @functools.cached_property
    def size(self) -> int:
        """Bytes of all its texts in UTF-8, for the limits of a bulk write."""
        texts = (self.reference, self.title, self.project, self.people, self.text)
        return sum(len(text.encode(errors="replace")) for text in texts)


@dataclass(frozen=True, kw_only=True)
class Read:
    """One snapshot of some documents of one organization.

    documents: those that the counter knows, in the order of their keys.
    generations: the numbers of those that are written now; see `models.WRITTEN`.
    """

    documents: Sequence[Document]
    generations: Sequence[int]


def read(organization_id: int, keys: Iterable[Key]) -> Read:
    """The documents of these keys; needs a transaction in the organization's scope.

    A key that the counter does not know is left out. An entity that is gone is a tombstone.
    """
    wanted = sorted(set(keys))
    parameters: dict[str, Any] = {
        "organization_id": organization_id,
        "kinds": [kind for kind, _ in wanted],
        "entity_ids": [entity_id for _, entity_id in wanted],
        "most_entries": MOST_ENTRIES,
        "most_characters": MOST_BYTES + 1,
    }
    rows = run("documents", parameters)
    generations = [row.pop("generations") for row in rows]
    return Read(
        documents=[_document(organization_id, row) for row in rows if row["kind"]],
        generations=generations[0],
    )


def cut(text: str, most_bytes: int = MOST_BYTES) -> str:
    """The text if it fits, else what fits of it, up to the end of a word where there is one."""
    encoded = text.encode(errors="replace")
    if len(encoded) <= most_bytes:
        return text
    kept = encoded[:most_bytes].decode(errors="ignore")
    if text[len(kept)].isspace():
        return kept
    head, space, _ = kept.rpartition(" ")
    return head if space else kept


def _document(organization_id: int, row: dict[str, Any]) -> Document:
    known = {name: value for name, value in row.items() if value is not None}
    text = known.pop("text", "")
    fits = cut(text)
    return Document(organization_id=organization_id, text=fits, truncated=fits is not text, **known)
