"""The waiting jobs of one organization cost one read and one bulk write.

The first of them to start takes the others along: those that this process has claimed and, where
several are, those that still stand in line. It remembers which version of each document it wrote.
A job whose version, or a newer one, was written since has nothing left to do: it ends as every job
does, alone, with its own attempt and completion. So a poisonous document is dead alone, and a crash
costs nothing but a write that is done again.

What was remembered holds: a version was written to every generation there was when it was read, and
one that is made later is filled from the counter, which has this version or a newer one. It is
forgotten after a minute all the same: a document whose tombstone is over, and a database that was
restored, count from an older version again.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late

from jobs.families.search.backends import Outcome
from jobs.families.search.documents import Key

type Answers = Mapping[Key, Outcome]
type Index = Callable[[int, Iterable[Key]], Answers]

MOST_REMEMBERED = 20_000
REMEMBERED_SECONDS = 60.0
# A thread that waits for a lock in C hears of no interrupt: it looks up this often.
LOOK_SECONDS = 0.5


class Folding:
    """What one process writes now, and has written; safe from any thread.

    Its threads may be interrupted by an exception at any step, so there are no locks: whose turn it
    is, is decided by one step of a dict.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._leading: dict[int, Future[None]] = {}  # by organization
        self._written: dict[tuple[int, Key], tuple[float, Outcome]] = {}  # since when

    def outcome(
        self, organization_id: int, key: Key, version: int, others: Callable[[], Iterable[Key]]
    ) -> Outcome | None:
        """What became of this version of a document; None where the counter does not know it.

        others: whose jobs wait besides; asked only by the one that takes them along. Raises what
        `index` raises; who waited for somebody who failed tries for itself.
        """
        mine = Future[None]()
        while True:
            known = self._known(organization_id, key)
            if known is not None and known.version >= version:
                return known
            theirs = self._leading.setdefault(organization_id, mine)
            if theirs is mine:
                return self._lead(organization_id, key, mine, others).get(key)
            _wait(theirs)

    def _lead(
        self,
        organization_id: int,
        key: Key,
        mine: Future[None],
        others: Callable[[], Iterable[Key]],
    ) -> Answers:
        try:
            answers = self._index(organization_id, {key, *others()})
            self._remember(organization_id, answers)
            return answers
        finally:
            self._leading.pop(organization_id, None)
            mine.set_result(None)

    def _known(self, organization_id: int, key: Key) -> Outcome | None:
        since, outcome = self._written.get((organization_id, key), (0.0, None))
        return outcome if time.monotonic() - since < REMEMBERED_SECONDS else None

    def _remember(self, organization_id: int, answers: Answers) -> None:
        if len(self._written) > MOST_REMEMBERED:
            self._written.clear()
        now = time.monotonic()
        self._written.update({(organization_id, key): (now, one) for key, one in answers.items()})


def _wait(theirs: Future[None]) -> None:
    while not theirs.done():
        try:
            theirs.result(LOOK_SECONDS)
        except Late:
            continue
