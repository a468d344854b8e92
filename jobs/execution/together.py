"""Start and settle jobs whose effect lies outside our database, those of several threads at once.

Such a job has no transaction of its own: what is written about it, that it starts and that it has
succeeded, concerns the ledger alone, and each commit costs a trip and a wait for the disk. So one
thread writes the starts of all that wait, and one the settles: while it does, others queue up
behind it, and the first of them takes the rest along. On an idle worker nobody waits for anybody.

What is guaranteed:

- When `start` returns, the start is committed, before the actor runs; as in `claiming`, without a
  wait for the disk. When `settle` returns, the completion is committed, with one; the message is
  acknowledged after that.
- Each fence is judged by itself. What the common statements do not move, because its fence is lost,
  somebody has locked it, or a statement failed, its own thread moves alone: there it waits, raises
  LeaseLost, or fails, and nobody else's does. To start twice under one fence is to start once.
- A thread that is interrupted while it waits may be settled by another one all the same. Whatever
  it writes next asks the fence, as after a COMMIT whose answer was lost.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from typing import Any

import structlog
from django.db import Error

from jobs.execution.revalidate import asking
from jobs.ledger import transitions
from jobs.ledger.transitions import Claimed, fenced
from tenancy import standing
from tenancy.postgresql.flush import UNHURRIED, Rows, committed
from tenancy.scope import scope


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A job that has started, and how things stood for `revalidate` then."""

    job: Claimed
    standing: Rows


log = structlog.get_logger(__name__)

# How long somebody lets another one write for it, who may have been interrupted before that.
PATIENCE_SECONDS = 1.0


def _held_lock() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(kw_only=True, eq=False)
class _Asked[Answer]:
    """One wish.

    latch: held until it is over. A bare lock: an exception that another thread raises here cannot
    fall between two of its steps, as it can in an Event, and leave it locked for ever.
    """

    job: Claimed
    latch: threading.Lock = field(default_factory=_held_lock)
    is_over: bool = False
    answer: Answer | None = None


class _Line[Answer]:
    """Threads that want the same written; the first of them writes for all."""

    def __init__(self, write: Callable[[Sequence[_Asked[Answer]]], None]) -> None:
        self._write = write
        self.asked: deque[_Asked[Answer]] = deque()
        self.committing = threading.Lock()

    def ask(self, job: Claimed) -> Answer | None:
        """What became of a job; None where the common statement left it alone."""
        asked = _Asked[Answer](job=job)
        self.asked.append(asked)
        # Only the first waits for the lock. If all did, each would have to be woken, one after the
        # other, before the next could commit.
        if not self._is_first(asked) and asked.latch.acquire(timeout=PATIENCE_SECONDS):
            return asked.answer
        with self.committing:
            if not asked.is_over:
                self._write_all()
        return asked.answer

    def _is_first(self, asked: _Asked[Answer]) -> bool:
        try:
            return self.asked[0] is asked
        except IndexError:  # somebody is writing for it already
            return False

    def _write_all(self) -> None:
        batch = []
        while self.asked:  # only the one that commits takes away
            batch.append(self.asked.popleft())
        try:
            # In a context of its own: the scope of a job is never widened to that of others.
            Context().run(self._write, batch)
        except Error as error:
            log.warning("not_written_together", jobs=len(batch), error=str(error))
        finally:
            for one in batch:
                one.is_over = True
                one.latch.release()


class Together:
    """The starts and the settles of one process, two lines; safe from any thread."""

    def __init__(self) -> None:
        self.starts: _Line[Begun] = _Line(_start)
        self.settles: _Line[bool] = _Line(_settle)

    def start(self, job: Claimed) -> Begun:
        """Commit the start of a claimed job, in its scope and no transaction. Raises LeaseLost."""
        if answer := self.starts.ask(job):
            return answer
        with transitions.guarded(job):
            return begun(job, committed(UNHURRIED, transitions.starting(job), asking([job])))

    def settle(self, job: Claimed) -> None:
        """Commit the completion of a job, in its scope and no transaction. Raises LeaseLost."""
        if not self.settles.ask(job):
            with transitions.guarded(job):
                committed(transitions.settling(job))


def begun(job: Claimed, answers: Any) -> Begun:
    """What `starting` and `asking` answered for one job."""
    return Begun(job=transitions.started(job, answers), standing=answers[standing.NAME])


def _start(batch: Sequence[_Asked[Begun]]) -> None:
    jobs = [one.job for one in batch]
    with scope({job.organization_id for job in jobs}):
        answers = committed(UNHURRIED, transitions.starting_many(jobs), asking(jobs))
    started = transitions.started_many(jobs, answers)
    stands = standing.in_order(answers[standing.NAME])
    for place, one in enumerate(batch):
        if job := started.get(fenced(one.job)):
            one.answer = Begun(job=job, standing=stands.get(place, []))


def _settle(batch: Sequence[_Asked[bool]]) -> None:
    with scope({one.job.organization_id for one in batch}):
        answers = committed(transitions.settling_many([one.job for one in batch]))
    settled = transitions.settled_many(answers)
    for one in batch:
        one.answer = fenced(one.job) in settled


together = Together()
