"""Processes that die at one point of a job's life, told by `DRILL_DIES_AT` in their environment.

No hook in the product. These points lie in what a drill brings along: its job types (`run`: it is
claimed, not run; `settle`: a row is written; `confirm`: a request was sent), the broker that its
settings name (`acknowledge`: in the middle of a batch), the caller of `enqueue` (not published).
"""

import os
import signal
from collections.abc import Iterable, Sequence
from pathlib import Path

from django.db import transaction

from jobs.broker.broker import GroupBroker
from jobs.broker.errors import BrokerUnavailable
from jobs.broker.messages import Settlement
from jobs.broker.queues import Queues

VARIABLE = "DRILL_DIES_AT"
POINTS = ("run", "settle", "confirm", "acknowledge")


def here(point: str) -> None:
    """Die without a word, if this is the point."""
    if os.environ.get(VARIABLE) == point:
        os.kill(os.getpid(), signal.SIGKILL)


class DyingQueues(Queues):
    """Acknowledges the first half of a batch, and dies."""

    def settle(self, group: str, consumer_id: str, settlements: Iterable[Settlement]) -> int:
        """One alone is no batch: it has to wait for others, as while Redis cannot be reached."""
        batch = list(settlements)
        if len(batch) == 1:
            raise BrokerUnavailable("this drill waits for a batch")
        settled = super().settle(group, consumer_id, batch[: len(batch) // 2])
        if settled:
            here("acknowledge")
        return settled


class DyingBroker(GroupBroker):
    """The product's, over queues that may die."""

    def __init__(self, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        if os.environ.get(VARIABLE) == "acknowledge":
            whole = self.backend
            self.backend = DyingQueues(str(options["url"]), lease=whole.lease)


def enqueue_and_die(
    organization_id: int, mission_id: int, *, names: Sequence[str], told: str
) -> None:
    """Commit jobs, note which in the file `told`, and die before they are published."""
    from jobs.ledger import NewJob, enqueue_many
    from tenancy.scope import scope
    from tests.chaos.job_types import WRITE, Work

    new = [
        NewJob(
            payload=Work(mission_id=mission_id),
            organization_id=organization_id,
            entity=("work", name),
            correlation_id="drill",
        )
        for name in names
    ]
    enqueued = []

    def die() -> None:
        Path(told).write_text("\n".join(str(one.job_id) for one in enqueued))
        os.kill(os.getpid(), signal.SIGKILL)

    with scope(organization_id), transaction.atomic():
        transaction.on_commit(die)  # before the publishing, which `enqueue_many` registers below
        enqueued += enqueue_many(WRITE, new)
