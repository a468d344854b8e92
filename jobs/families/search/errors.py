"""What can go wrong with an index as a whole.

SearchError
├── ReindexUnderWay      there is one already, and it goes on
├── NothingToResume      no reindex of this organization was left half done
├── NoOlderIndex         the index before was dropped, so nobody can go back to it
├── QueryRefused         nothing can be looked for with it
├── IndexChanged         the cursor is of another generation
└── DocumentRefused      the index can never take this document (a dead letter)
"""

from typing import ClassVar

from jobs.errors import JobsError, Permanent
from jobs.families.search.documents import Key


class SearchError(JobsError):
    """The base of all of them but the dead letter."""


class ReindexUnderWay(SearchError):
    """There is one already, and it goes on."""

    def __init__(self, organization_id: int) -> None:
        super().__init__(
            f"Organization {organization_id} is being re-indexed already, so a second index would "
            "only cost. Wait for it, cancel it (`search reindex --cancel`), or let it go on "
            "(`--resume`) if its job died."
        )


class NothingToResume(SearchError):
    """No reindex was left half done."""

    def __init__(self, organization_id: int) -> None:
        super().__init__(
            f"No reindex of organization {organization_id} waits to go on: none is half done, or "
            "its job is still at work. Start one without `--resume`."
        )


class NoOlderIndex(SearchError):
    """The index before is gone."""

    def __init__(self, organization_id: int) -> None:
        super().__init__(
            f"Organization {organization_id} has no older index: it is kept for 24 hours after a "
            "reindex. Start a reindex instead."
        )


class QueryRefused(SearchError):
    """Nothing can be looked for with it. word: which rule it breaks; never changes."""

    def __init__(self, word: str, message: str) -> None:
        self.word = word
        super().__init__(message)


class IndexChanged(SearchError):
    """The cursor is of another generation than the one that is searched now."""

    def __init__(self) -> None:
        super().__init__(
            "The search index was built anew since this cursor was given, so the order is another. "
            "Search again without the cursor."
        )


class DocumentRefused(Permanent):
    """The index can never take this document as it stands."""

    word: ClassVar[str] = "document_refused"

    def __init__(self, key: Key, reason: str) -> None:
        kind, entity_id = key
        super().__init__(
            f"The index refused {kind} {entity_id}: {reason}. All others were written. Change what "
            "it says; that indexes it anew, and this one can be discarded.",
            reason=self.word,
        )
