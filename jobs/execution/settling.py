"""Settle jobs whose effect lies outside our database, those of several threads in one commit.

Such a job has nothing to commit but its completion, and each commit waits for the disk. So one
thread commits for all that wait: while it does, others queue up behind it, and the next of them
takes those along. On an idle worker nobody waits for anybody.

What is guaranteed:

- When `settle` returns, the job's completion is committed; its message is acknowledged after that.
- Each fence is judged by itself. What the common statement does not settle, because its fence is
  lost, somebody has locked it, or the statement failed, its own thread settles alone: there it
  waits, raises LeaseLost, or fails, and nobody else's does.
- A thread that is interrupted while it waits may be settled by another one all the same. Whatever
  it writes next asks the fence, as after a COMMIT whose answer was lost.
"""

import threading
from collections import deque
from contextvars import Context
from dataclasses import dataclass

from jobs.ledger import transitions
from jobs.ledger.transitions import Claimed
from tenancy.postgresql.flush import committed
from tenancy.scope import scope


@dataclass(kw_only=True, eq=False)
class _Asked:
    job: Claimed
    is_taken: bool = False
    is_settled: bool = False


class Settling:
    """The settles of one process; safe from any thread."""

    def __init__(self) -> None:
        self._asked: deque[_Asked] = deque()
        self._committing = threading.Lock()

    def settle(self, job: Claimed) -> None:
        """Commit the completion of a job, in its scope and in no transaction. Raises LeaseLost."""
        asked = _Asked(job=job)
        self._asked.append(asked)
        with self._committing:
            if not asked.is_taken:
                # In a context of its own: the scope of a job is never widened to that of others.
                Context().run(_commit, self._take())
        if not asked.is_settled:
            with transitions.guarded(job):
                committed(transitions.settling(job))

    def _take(self) -> list[_Asked]:
        batch = []
        while self._asked:  # only the one that commits takes away
            batch.append(self._asked.popleft())
            batch[-1].is_taken = True
        return batch


def _commit(batch: list[_Asked]) -> None:
    with scope({one.job.organization_id for one in batch}):
        answers = committed(transitions.settling_many([one.job for one in batch]))
    settled = transitions.settled_many(answers)
    for one in batch:
        one.is_settled = one.job.ref in settled


settling = Settling()
