"""Start and settle jobs whose effect lies outside our database, those of several threads at once.

Such a job has no transaction of its own: what is written about it, that it starts and that it has
succeeded, concerns the ledger alone, and each commit costs a trip and a wait for the disk. So one
thread writes for all that wait: while it does, others queue up behind it, and the first of them
takes the rest along. On an idle worker nobody waits for anybody.

What is guaranteed:

- When `start` returns, the start is committed, before the actor runs; as in `claiming`, without a
  wait for the disk. When `settle` returns, the completion is committed, with one; the message is
  acknowledged after that.
- Each fence is judged by itself. What the common statements do not move, because its fence is lost,
  somebody has locked it, or a statement failed, its own thread moves alone: there it waits, raises
  LeaseLost, or fails, and nobody else's does.
- A thread that is interrupted while it waits may be settled by another one all the same. Whatever
  it writes next asks the fence, as after a COMMIT whose answer was lost.
"""

import threading
from collections import deque
from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass, field
from typing import Any

from jobs.execution.revalidate import asking
from jobs.ledger import transitions
from jobs.ledger.transitions import Claimed
from tenancy import standing
from tenancy.postgresql.flush import UNHURRIED, Rows, committed
from tenancy.scope import scope


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A job that has started, and how things stood for `revalidate` then."""

    job: Claimed
    standing: Rows


# How long somebody lets another one write for it, who may have been interrupted before that.
PATIENCE_SECONDS = 1.0


@dataclass(kw_only=True, eq=False)
class _Asked:
    job: Claimed
    over: threading.Event = field(default_factory=threading.Event)


class _Start(_Asked):
    begun: Begun | None = None


class _Settle(_Asked):
    is_settled = False


class Together:
    """The starts and settles of one process; safe from any thread."""

    def __init__(self) -> None:
        self._asked: deque[_Asked] = deque()
        self._committing = threading.Lock()

    def start(self, job: Claimed) -> Begun:
        """Commit the start of a claimed job, in its scope and no transaction. Raises LeaseLost."""
        asked = _Start(job=job)
        self._wait_for(asked)
        if asked.begun is not None:
            return asked.begun
        with transitions.guarded(job):
            answers = committed(UNHURRIED, transitions.starting(job), asking([job]))
        return begun(job, answers)

    def settle(self, job: Claimed) -> None:
        """Commit the completion of a job, in its scope and no transaction. Raises LeaseLost."""
        asked = _Settle(job=job)
        self._wait_for(asked)
        if not asked.is_settled:
            with transitions.guarded(job):
                committed(transitions.settling(job))

    def _wait_for(self, asked: _Asked) -> None:
        self._asked.append(asked)
        # Only the first waits for the lock. If all did, each would have to be woken, one after the
        # other, before the next could commit.
        if not self._is_first(asked) and asked.over.wait(PATIENCE_SECONDS):
            return
        with self._committing:
            if not asked.over.is_set():
                self._write()

    def _is_first(self, asked: _Asked) -> bool:
        try:
            return self._asked[0] is asked
        except IndexError:  # somebody is writing for it already
            return False

    def _write(self) -> None:
        batch = []
        while self._asked:  # only the one that commits takes away
            batch.append(self._asked.popleft())
        try:
            # In a context of its own: the scope of a job is never widened to that of others.
            Context().run(_commit, batch)
        finally:
            for one in batch:
                one.over.set()


def begun(job: Claimed, answers: Any) -> Begun:
    """What `starting` and `asking` answered for one job."""
    return Begun(job=transitions.started(job, answers), standing=answers[standing.NAME])


def _commit(batch: Sequence[_Asked]) -> None:
    starts = [one for one in batch if isinstance(one, _Start)]
    settles = [one for one in batch if isinstance(one, _Settle)]
    statements = []
    if settles:
        statements.append(transitions.settling_many([one.job for one in settles]))
    else:
        statements.append(UNHURRIED)
    if starts:
        jobs = [one.job for one in starts]
        statements += [transitions.starting_many(jobs), asking(jobs)]
    with scope({one.job.organization_id for one in batch}):
        answers = committed(*statements)
    if settles:
        settled = transitions.settled_many(answers)
        for settle in settles:
            settle.is_settled = settle.job.ref in settled
    if starts:
        started = transitions.started_many([one.job for one in starts], answers)
        stands = standing.in_order(answers[standing.NAME])
        for place, start in enumerate(starts):
            if start.job.ref in started:
                rows = stands.get(place, [])
                start.begun = Begun(job=started[start.job.ref], standing=rows)


together = Together()
