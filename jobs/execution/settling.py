"""Settle the jobs of several threads at once, while those threads run the next ones.

What a job leaves behind once its actor has returned is known in full: the completion marker, and
for an effect in our database that no query of the actor's has begun, the statements of that effect
and its audit events. Each commit costs a trip and a wait for the disk. So its thread leaves the job
here, and a few threads of this process settle all that wait: those that acted outside by one
statement, the others each in a transaction of its own, one behind the other in one trip.

What is guaranteed:

- A job's future has its result once its completion is committed, with all that it wrote; the
  message is acknowledged after that. A crash before it undoes what it wrote; what it did outside
  happens once more, under the same id.
- Each is judged by itself: a fence that is lost is LeaseLost in its own future, and what its own
  statements raise is raised there, and undoes nothing else.
- Nobody waits for a job that somebody has locked: it is tried again with those who come next. One
  whose statements take longer than HURRY is undone, and settled alone; the next of its job type are
  left to their own threads (`takes`), whose time is charged to their organization.
"""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, wait
from queue import Empty, SimpleQueue
from typing import NamedTuple

import structlog
from django.db import connection
from psycopg.errors import LockNotAvailable, QueryCanceled

from jobs.errors import LeaseLost
from jobs.ledger import transitions
from jobs.ledger.transitions import Claimed
from tenancy.postgresql.flush import Answers, Statement, commit_each, committed, unit
from tenancy.scope import scope

log = structlog.get_logger(__name__)

THREADS = 2  # one prepares and reads while PostgreSQL works for the other
# How many are settled in one trip: those behind them wait for it, and short trips of two threads
# leave PostgreSQL and this process less often idle at once than long ones.
MOST = 16
# How soon what is locked is tried again, if nobody comes before.
LOCKED_SECONDS = 0.05
# How long a worker that stops waits for what is locked.
DRAIN_SECONDS = 5.0
# A trip that takes longer has something slow in it, whatever its single statements took.
LONG_SECONDS = 0.5
# How long what a job type writes is left to its own threads, once it was slow.
SLOW_SECONDS = 60.0


class Ended(NamedTuple):
    """A job whose actor has returned, and the wish of whoever ran it to know this written.

    writes: what it leaves in our database besides its completion.
    """

    job: Claimed
    writes: Sequence[Statement]
    written: Future[None]

    @property
    def statements(self) -> list[Statement]:
        """All that is written of it, in its own scope."""
        return [*self.writes, transitions.settling(self.job)]


class Settler:
    """Where the threads of one process leave what has ended; safe from any of them.

    Those threads may be interrupted by an exception at any step, so that none of them takes a lock
    here: what they touch are a queue and a dict, each in one step.
    """

    def __init__(self) -> None:
        self._line: SimpleQueue[Ended | None] = SimpleQueue()  # None: a thread is to end
        self._open: dict[int, Future[None]] = {}  # not written yet
        self._threads: list[threading.Thread] = []
        self._slow: dict[str, float] = {}  # job types, each until when by the monotonic clock

    def start(self) -> None:
        """Settle in threads from now on."""
        self._threads = [
            threading.Thread(target=self._live, name=f"settler-{n}", daemon=True)
            for n in range(THREADS)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Settle what is left, and end."""
        self.drain()
        threads, self._threads = self._threads, []
        for _ in threads:
            self._line.put(None)
        for thread in threads:
            thread.join()

    def takes(self, job: Claimed) -> bool:
        """Whether what this job writes is to be left here."""
        return bool(self._threads) and self._slow.get(job.job_type, 0.0) < time.monotonic()

    def settle(self, job: Claimed, *writes: Statement) -> Future[None]:
        """Commit the completion of a job, with what it writes, in the job's scope.

        The future raises LeaseLost, or what PostgreSQL raised. Returns at once in a worker;
        elsewhere, where nobody settles, once it is written.
        """
        ended = Ended(job, writes, Future())
        if not self._threads:
            _alone(ended)
            return ended.written
        self._open[id(ended.written)] = ended.written
        ended.written.add_done_callback(lambda written: self._open.pop(id(written), None))
        self._line.put(ended)
        return ended.written

    def drain(self) -> None:
        """Return once all that was left here is written, or has been locked for too long."""
        wait(list(self._open.values()), DRAIN_SECONDS)

    def _live(self) -> None:
        locked: list[Ended] = []
        try:
            while (batch := self._next(bool(locked))) is not None:
                locked = self._write([*locked, *batch])
        finally:
            connection.close()

    def _next(self, has_locked: bool) -> list[Ended] | None:
        """What waits by now, perhaps nothing if some are locked; None once the thread is to end.

        What is still locked then, whoever holds it has as long as a lease.
        """
        batch: list[Ended] = []
        try:
            one = self._line.get(timeout=LOCKED_SECONDS if has_locked else None)
            while one is not None:
                batch.append(one)
                if len(batch) == MOST:
                    return batch
                one = self._line.get_nowait()
        except Empty:
            return batch
        if batch:
            self._line.put(None)  # what it took before is written first
            return batch
        return None

    def _write(self, batch: Sequence[Ended]) -> list[Ended]:
        """Settle them in one trip; returns those that somebody has locked."""
        began = time.monotonic()
        try:
            answers, locked = _answers(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is nobody's own
            log.warning("not_settled_together", jobs=len(batch), error=str(error))
            answers, locked = [_by_itself(one) for one in batch], []
        is_long = time.monotonic() - began > LONG_SECONDS
        for one, answer in zip(batch, answers, strict=True):
            if is_long and one.writes:
                self._leave_to_its_threads(one)
            if one not in locked:
                self._hear(one, answer)
        return locked

    def _hear(self, ended: Ended, answer: Answers | Exception) -> None:
        """Nobody waits here for what became of one that failed: writing that down may take long."""
        if not isinstance(answer, Exception) or isinstance(answer, LeaseLost):
            _tell(ended, answer)
            return
        self._leave_to_its_threads(ended)
        threading.Thread(target=_apart, args=[ended, answer], name="settles", daemon=True).start()

    def _leave_to_its_threads(self, ended: Ended) -> None:
        self._slow[ended.job.job_type] = time.monotonic() + SLOW_SECONDS


def _answers(batch: Sequence[Ended]) -> tuple[list[Answers | Exception], list[Ended]]:
    """What became of each, in their order, and which of them are locked."""
    outside = [one for one in batch if not one.writes]
    others = [one for one in batch if one.writes]
    answers = commit_each([*_common(outside), *map(_own, others)])
    found = dict(zip(map(id, others), answers[bool(outside) :], strict=True))
    locked: list[Ended] = []
    if outside:
        if isinstance(answers[0], Exception):
            raise answers[0]
        settled, held = transitions.settled_many(answers[0])
        locked = [one for one in outside if one.job.fenced in held]
        for one in outside:
            lost = LeaseLost(one.job.ref.job_id, one.job.fence)
            found[id(one)] = {} if one.job.fenced in settled else lost
    return [found[id(one)] for one in batch], locked


def _common(outside: Sequence[Ended]) -> list[Sequence[Statement]]:
    if not outside:
        return []
    with scope({one.job.organization_id for one in outside}):
        return [unit(transitions.settling_many([one.job for one in outside]))]


def _own(ended: Ended) -> Sequence[Statement]:
    with scope(ended.job.organization_id):
        return unit(*ended.statements)


def _by_itself(ended: Ended) -> Answers | Exception:
    try:
        [answer] = commit_each([_own(ended)])
    except Exception as error:  # noqa: BLE001 - it is the answer
        return error
    return answer


def _is_slow(answer: Exception) -> bool:
    cause = getattr(answer, "__cause__", None)
    return isinstance(cause, LockNotAvailable | QueryCanceled)


def _apart(ended: Ended, answer: Exception) -> None:
    """In a thread of its own, for as long as it takes."""
    try:
        if _is_slow(answer):
            _alone(ended)
        else:
            _tell(ended, answer)
    finally:
        connection.close()


def _alone(ended: Ended) -> None:
    try:
        with scope(ended.job.organization_id):
            answer: Answers | Exception = committed(*ended.statements)
    except Exception as error:  # noqa: BLE001 - it is the answer
        answer = error
    _tell(ended, answer)


def _tell(ended: Ended, answer: Answers | Exception) -> None:
    if ended.written.done():
        return
    try:
        with transitions.guarded(ended.job):
            if isinstance(answer, Exception):
                raise answer
    except Exception as error:  # noqa: BLE001 - LeaseLost, or what it was
        ended.written.set_exception(error)
    else:
        ended.written.set_result(None)


settler = Settler()
