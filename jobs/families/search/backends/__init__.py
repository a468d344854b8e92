"""What an index has to be able to do, whatever holds it.

A backend is authoritative for nothing: it can be emptied at any time and filled again. It writes a
document iff its version is greater than the stored one, and keeps tombstones as documents. It puts
the organization's condition on every query by itself; callers cannot leave it out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Literal, Protocol

from jobs.errors import RetryLater
from jobs.families.search.documents import Document
from jobs.families.search.query import Query

Capability = Literal["compare_and_set", "lock"]
"""compare_and_set: the backend itself refuses an older version. lock: it cannot, and the rows of
`SearchEntry` stay locked during the write."""


@dataclass(frozen=True, kw_only=True)
class Generation:
    """Which index: a build of one organization's. number: in words and keys, short."""

    organization_id: int
    number: int


class Result(StrEnum):
    """What became of one document of a batch.

    written: the backend has it. superseded: it has this version or a newer one; a success too.
    refused: it can never take this document; the reason says why.
    """

    WRITTEN = "written"
    SUPERSEDED = "superseded"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The answer to one document.

    reason: for a refused one, in one sentence. version: which one it was, where `index` answers.
    """

    result: Result
    reason: str = ""
    version: int = 0


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What the index says that it holds of a document, for comparing.

    organization_id: as the index has it, which may be wrong.
    digest: as it was given, or empty when the document was altered since.
    """

    organization_id: int
    kind: str
    entity_id: int
    version: int
    deleted: bool
    digest: str


@dataclass(frozen=True, kw_only=True)
class Match:
    """A document that matches, as the index knows it.

    id: of the document in its generation; with the score it is a place in the order.
    score: higher is better; comparable inside one query only.
    """

    id: int
    kind: str
    entity_id: int
    score: float


class BackendUnavailable(RetryLater):
    """The backend does not answer, or has no room now: everything in the batch is tried later."""

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(message, retry_after=retry_after)


class Backend(Protocol):
    """One kind of index. All methods are called inside the organization's scope.

    Each raises `BackendUnavailable` when the server is away or full.
    """

    name: str
    capability: Capability

    def ensure(self, generation: Generation) -> None:
        """Make room for a generation; does nothing if it is there."""

    def put(self, generation: Generation, documents: Sequence[Document]) -> list[Outcome]:
        """Write documents, tombstones included; one outcome for each, in their order.

        At most 500 documents. A crash in the middle leaves some written: each is repeated safely.
        """

    def scan(
        self, generation: Generation, after: tuple[str, int] = ("", 0), limit: int = 1_000
    ) -> list[Stored]:
        """The documents behind `after`, a pair (kind, entity_id), in this order.

        Also those that claim another organization: they must not be there, and are reported.
        """

    def search(
        self,
        generation: Generation,
        query: Query,
        kinds: Sequence[str],
        after: tuple[float, int] | None = None,
        limit: int = 100,
    ) -> list[Match]:
        """Documents of these kinds that match, by falling score, then by id; those behind `after`.

        after: score and id of the last one that was seen.
        """

    def remove(self, generation: Generation, stored: Sequence[Stored]) -> None:
        """Take documents out as they stand, without a tombstone: foreign ones, and purged ones.

        One whose version has changed since it was scanned stays.
        """

    def drop(self, generation: Generation) -> bool:
        """Remove all of a generation, a step at a time; True once nothing of it is left."""
