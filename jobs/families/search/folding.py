"""Jobs of one organization that a worker has in hand together cost one read and one bulk write.

The first of them to start takes the others along: those that this process has claimed, that have
not started, and whose documents nobody here has taken yet. When one of these starts, what became of
its document is known, or is waited for; it then ends as every job does, alone, with its own attempt
and its own completion. So a poisonous document is dead alone, and a crash costs nothing but the
write being done again: it is the versions that decide what is in the index, not who wrote it.

What a job may rely on: its change was committed before it was enqueued, so before it was claimed,
and whoever takes it along reads after that.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late

from jobs.families.search.backends import Outcome
from jobs.families.search.documents import Key
from jobs.ledger.transitions import Claimed, JobRef

type Claim = tuple[JobRef, int]  # `Claimed.fenced`
type Answers = Mapping[Key, Outcome]

MOST = 500
# A thread that waits for a lock in C hears of no interrupt: it looks up this often.
LOOK_SECONDS = 0.5


class Folding:
    """What is under way in one process; safe from any thread.

    Its threads may be interrupted by an exception at any step, so there are no locks: a claim is
    taken by one step of a dict.
    """

    def __init__(self, index: Callable[[int, Iterable[Key]], Answers]) -> None:
        self._index = index
        self._taken: dict[Claim, Future[Answers | None]] = {}

    def outcome(
        self, job: Claimed, key_of: Callable[[Claimed], Key | None], in_hand: Iterable[Claimed]
    ) -> Outcome | None:
        """What became of the job's document; None where the counter does not know it.

        key_of: the document of a job, None for other jobs. in_hand: what this process has claimed.
        Raises what `index` raises, also where another thread ran it.
        """
        key, mine = _required(key_of(job)), Future[Answers | None]()
        while (theirs := self._taken.setdefault(job.fenced, mine)) is not mine:
            try:
                answers = _wait(theirs)
            finally:
                # Heard by nobody else; whoever needs it again, runs it again.
                self._taken.pop(job.fenced, None)
            if answers is not None:
                return answers.get(key)
        return self._lead(job, mine, key_of, list(in_hand)).get(key)

    def _lead(
        self,
        job: Claimed,
        mine: Future[Answers | None],
        key_of: Callable[[Claimed], Key | None],
        in_hand: Sequence[Claimed],
    ) -> Answers:
        try:
            self._forget_all_but(in_hand)
            keys = {_required(key_of(job))}
            for other in in_hand:
                key = key_of(other) if other.organization_id == job.organization_id else None
                if key and self._taken.setdefault(other.fenced, mine) is mine:
                    keys.add(key)
                if len(keys) == MOST:
                    break
            answers = self._index(job.organization_id, keys)
            mine.set_result(answers)
            return answers
        except Exception as error:
            mine.set_exception(error)
            raise
        finally:
            self._taken.pop(job.fenced, None)
            if not mine.done():  # interrupted: what it took along goes on by itself
                mine.set_result(None)

    def _forget_all_but(self, in_hand: Iterable[Claimed]) -> None:
        """What was taken along and then given back will not come here again."""
        here = {one.fenced for one in in_hand}
        for claim, answers in list(self._taken.items()):
            if claim not in here and answers.done():
                self._taken.pop(claim, None)


def _wait(answers: Future[Answers | None]) -> Answers | None:
    while True:
        try:
            return answers.result(LOOK_SECONDS)
        except Late:
            if answers.done():  # it is what `index` raised
                raise


def _required(key: Key | None) -> Key:
    if key is None:
        raise ValueError("The job indexes no document: give `outcome` one that does")
    return key
