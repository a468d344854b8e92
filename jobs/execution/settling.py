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
from concurrent.futures import Future
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
# How many are settled in one trip: those behind them wait for it.
MOST = 32
# How soon what is locked is tried again, if nobody comes before.
LOCKED_SECONDS = 0.05
# How long a worker that stops waits for what is locked.
DRAIN_SECONDS = 5.0
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
    """Where the threads of one process leave what has ended; safe from any of them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()  # guards what follows
        self._line: list[Ended] = []
        self._left = 0  # in line, or being written
        self._writing = 0  # threads that are
        self._is_stopping = False
        self._threads: list[threading.Thread] = []
        self._slow: dict[str, float] = {}  # job types, each until when by the monotonic clock

    def start(self) -> None:
        """Settle in threads from now on."""
        self._is_stopping = False
        self._threads = [
            threading.Thread(target=self._live, name=f"settler-{n}", daemon=True)
            for n in range(THREADS)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Settle what is left, and end."""
        self.drain()
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._threads = []

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
        with self._changed:
            self._line.append(ended)
            self._left += 1
            # Who is writing takes what comes meanwhile; another one is worth its while for more.
            if not self._writing or len(self._line) >= MOST // 2:
                self._changed.notify()
        return ended.written

    def drain(self) -> None:
        """Return once all that was left here is written, or has been locked for too long."""
        deadline = time.monotonic() + DRAIN_SECONDS
        with self._changed:
            while self._left and time.monotonic() < deadline:
                self._changed.notify()
                self._changed.wait(LOCKED_SECONDS)

    def _live(self) -> None:
        locked: list[Ended] = []
        try:
            while batch := self._next(locked):
                locked = self._write(batch)
                with self._changed:
                    self._writing -= 1
                    self._left -= len(batch) - len(locked)
        finally:
            connection.close()

    def _next(self, locked: list[Ended]) -> list[Ended]:
        """What waits by now; nothing once the thread is to end."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._line or self._is_stopping, LOCKED_SECONDS if locked else None
            )
            batch, self._line = self._line[:MOST], self._line[MOST:]
            # What is still locked when the worker ends, whoever holds it has as long as a lease.
            batch = batch if self._is_stopping else [*locked, *batch]
            self._writing += bool(batch)
        return batch

    def _write(self, batch: Sequence[Ended]) -> list[Ended]:
        """Settle them in one trip; returns those that somebody has locked."""
        try:
            return self._write_together(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is nobody's own
            log.warning("not_settled_together", jobs=len(batch), error=str(error))
        for one in batch:
            if not one.written.done():
                self._hear(one, _by_itself(one))
        return []

    def _write_together(self, batch: Sequence[Ended]) -> list[Ended]:
        outside = [one for one in batch if not one.writes]
        others = [one for one in batch if one.writes]
        answers = commit_each([*_common(outside), *map(_own, others)])
        for one, answer in zip(others, answers[bool(outside) :], strict=True):
            self._hear(one, answer)
        return _of_common(outside, answers[0]) if outside else []

    def _hear(self, ended: Ended, answer: Answers | Exception) -> None:
        if _is_slow(answer):
            self._slow[ended.job.job_type] = time.monotonic() + SLOW_SECONDS
            threading.Thread(target=_apart, args=[ended], name="settles", daemon=True).start()
        else:
            _tell(ended, answer)


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


def _of_common(outside: Sequence[Ended], answer: Answers | Exception) -> list[Ended]:
    """Tell those that acted outside; returns those that are locked."""
    if isinstance(answer, Exception):
        raise answer
    settled, locked = transitions.settled_many(answer)
    for one in outside:
        if one.job.fenced in settled:
            one.written.set_result(None)
        elif one.job.fenced not in locked:
            one.written.set_exception(LeaseLost(one.job.ref.job_id, one.job.fence))
    return [one for one in outside if one.job.fenced in locked]


def _is_slow(answer: Answers | Exception) -> bool:
    cause = getattr(answer, "__cause__", None)
    return isinstance(cause, LockNotAvailable | QueryCanceled)


def _apart(ended: Ended) -> None:
    """In a thread of its own, for as long as it takes."""
    try:
        _alone(ended)
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
    try:
        with transitions.guarded(ended.job):
            if isinstance(answer, Exception):
                raise answer
    except Exception as error:  # noqa: BLE001 - LeaseLost, or what it was
        ended.written.set_exception(error)
    else:
        ended.written.set_result(None)


settler = Settler()
