"""How many jobs may wait in a queue: refuse or hold, at enqueue, what it has no room for.

Read from Redis, once for each queue that has a capacity and that a call enqueues into. So it is
approximate by what is on its way (jobs of transactions under way, and of other processes), and
while Redis is away it is not enforced.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

import structlog

from jobs.broker.errors import BrokerUnavailable
from jobs.errors import QueueFull
from jobs.job_types import JobType
from jobs.ledger.publish import InLine, queues
from jobs.ledger.statements import run
from jobs.ledger.states import Hold

log = structlog.get_logger(__name__)

NO_LIMIT = 2**31 - 1


def room(group: str, organization_id: int, capacity: int | None) -> int:
    """How many more jobs may stand in line. Raises BrokerUnavailable."""
    if capacity is None:
        return NO_LIMIT
    return max(0, capacity - queues().depth(group, organization_id).waiting)


def let_in(
    job_type: JobType[Any],
    due: Sequence[tuple[InLine, int | None]],
    *,
    ahead: Mapping[int, int],
) -> list[InLine]:
    """Those of the jobs, just written, that there is room for; the others are held.

    due: each job with the capacity of its queue. ahead: how many of each organization this
    transaction let in before, which Redis does not know yet. Raises QueueFull for a job type that
    refuses.
    """
    if all(capacity is None for _, capacity in due):
        return [job for job, _ in due]
    admitted: list[InLine] = []
    by_queue = sorted(due, key=lambda one: one[0].organization_id)
    for organization_id, of_queue in groupby(by_queue, key=lambda one: one[0].organization_id):
        jobs, capacities = zip(*of_queue, strict=True)
        before = ahead.get(organization_id, 0)
        fitting = _fitting(job_type, organization_id, len(jobs), capacities[0], before)
        _hold_back(organization_id, [job.job_id for job in jobs[fitting:]])
        admitted += jobs[:fitting]
    return admitted


def _fitting(
    job_type: JobType[Any], organization_id: int, asked: int, capacity: int | None, ahead: int
) -> int:
    """How many of them may stand in line now."""
    if capacity is None:
        return asked
    try:
        left = max(0, room(job_type.group, organization_id, capacity) - ahead)
    except BrokerUnavailable as error:
        log.warning("capacity_not_enforced", organization_id=organization_id, error=str(error))
        return asked
    if _are_held(organization_id, job_type.group):
        left = 0  # nobody overtakes those
    if asked <= left:
        return asked
    if job_type.when_full == "refuse":
        raise QueueFull(
            organization_id=organization_id,
            group=job_type.group,
            capacity=capacity,
            waiting=capacity - left,
            asked=asked,
        )
    return left


def _are_held(organization_id: int, group: str) -> bool:
    of = {"organization_id": organization_id, "queue_group": group}
    [row] = run("is_held", {**of, "hold": Hold.CAPACITY.value})
    return bool(row["is_held"])


def _hold_back(organization_id: int, job_ids: Sequence[UUID]) -> None:
    if job_ids:
        run(
            "hold_back",
            {
                "organization_id": organization_id,
                "job_ids": list(job_ids),
                "hold": Hold.CAPACITY.value,
            },
        )
