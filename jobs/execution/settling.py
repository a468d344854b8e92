"""Settle jobs whose effect lies outside our database, those of several threads at once.

Such a job has no transaction of its own: that it has succeeded concerns the ledger alone, and each
commit costs a trip and a wait for the disk. So its thread leaves the job here and takes the next
one, and one thread of this process settles all that wait, in one statement and one commit.

What is guaranteed:

- A job's future has its result once its completion is committed; the message is acknowledged after
  that. A crash before it costs what it always costs: the outside effect happens once more, under
  the same id.
- Each fence is judged by itself: one that is lost is LeaseLost in its own future and in no other.
  What somebody has locked is tried again with those who come next, and nobody waits for it.
- When the common statement fails, each is settled alone, and what that raises is its own.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import NamedTuple

import structlog
from django.db import Error, connection

from jobs.errors import LeaseLost
from jobs.ledger import transitions
from jobs.ledger.transitions import Claimed
from tenancy.postgresql.flush import committed
from tenancy.scope import scope

log = structlog.get_logger(__name__)

# How soon what is locked is tried again, if nobody comes before.
LOCKED_SECONDS = 0.05
# How long a worker that stops waits for what is locked.
DRAIN_SECONDS = 5.0


class Ended(NamedTuple):
    """A job whose effect has happened, and the wish of whoever ran it to know this written."""

    job: Claimed
    written: Future[None]


class Settler:
    """Where the threads of one process leave what has ended; safe from any of them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()  # guards what follows
        self._line: list[Ended] = []
        self._left = 0  # in line, or being written
        self._is_writing = self._is_stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Settle in a thread from now on."""
        self._is_stopping = False
        self._thread = threading.Thread(target=self._live, name="settler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Settle what is left, and end."""
        self.drain()
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
        self._thread = None

    def settle(self, job: Claimed) -> Future[None]:
        """Commit the completion of a job; the future raises LeaseLost, or what PostgreSQL raised.

        Returns at once in a worker; elsewhere, where nobody settles, once it is written.
        """
        ended = Ended(job, Future())
        if self._thread is None:
            _alone(ended)
            return ended.written
        with self._changed:
            self._line.append(ended)
            self._left += 1
            if not self._is_writing:
                self._changed.notify_all()
        return ended.written

    def drain(self) -> None:
        """Return once all that was left here is written, or has been locked for too long."""
        with self._changed:
            self._changed.wait_for(lambda: not self._left, DRAIN_SECONDS)

    def _live(self) -> None:
        locked: list[Ended] = []
        try:
            while batch := self._next(locked):
                locked = _together(batch)
                with self._changed:
                    self._left -= len(batch) - len(locked)
        finally:
            connection.close()

    def _next(self, locked: list[Ended]) -> list[Ended]:
        """Whatever waits by now; nothing once the thread is to end."""
        with self._changed:
            self._is_writing = False
            self._changed.notify_all()  # to those who wait for the end of it
            self._changed.wait_for(
                lambda: self._line or self._is_stopping, LOCKED_SECONDS if locked else None
            )
            waits, self._line = self._line, []
            self._is_writing = True
        # What is still locked when the worker ends, whoever holds it has as much time as a lease.
        return waits if self._is_stopping else [*locked, *waits]


def _together(batch: Sequence[Ended]) -> list[Ended]:
    """Settle them in one statement; returns those that somebody has locked."""
    jobs = [one.job for one in batch]
    try:
        with scope({job.organization_id for job in jobs}):
            answers = committed(transitions.settling_many(jobs))
        settled, locked = transitions.settled_many(answers)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is not the others' error
        log.warning("not_settled_together", jobs=len(batch), error=str(error))
        connection.close()
        for one in batch:
            _alone(one)
        return []
    for one in batch:
        if one.job.fenced in settled:
            one.written.set_result(None)
        elif one.job.fenced not in locked:
            one.written.set_exception(LeaseLost(one.job.ref.job_id, one.job.fence))
    return [one for one in batch if one.job.fenced in locked]


def _alone(ended: Ended) -> None:
    job = ended.job
    try:
        with scope(job.organization_id), transitions.guarded(job):
            committed(transitions.settling(job))
    except Exception as error:  # noqa: BLE001 - it is the answer
        if isinstance(error, Error):
            connection.close()
        ended.written.set_exception(error)
    else:
        ended.written.set_result(None)


settler = Settler()
