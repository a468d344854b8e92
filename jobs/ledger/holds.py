"""Let held jobs go on when what they waited for is over: one place, whatever the cause.

organization_suspended   the organization is active again
draining                 the queue takes new work again
capacity                 there is room in the queue, as much as is let in at once
"""

from jobs.ledger.capacity import room
from jobs.ledger.statements import run

MOST_QUEUES = 100  # looked at in one step; the next step draws anew


def end_holds(limit: int) -> int:
    """Jobs whose hold is over are scheduled like any other; returns how many.

    In the engine's scope and a transaction. Raises BrokerUnavailable.
    """
    ended = run("held", {"limit": MOST_QUEUES})
    if not ended:
        return 0
    gone_on = run(
        "unhold",
        {
            "organization_ids": [one["organization_id"] for one in ended],
            "holds": [one["hold"] for one in ended],
            "queue_groups": [one["queue_group"] for one in ended],
            "most": [
                min(limit, room(one["queue_group"], one["organization_id"], one["capacity"]))
                for one in ended
            ],
            "limit": limit,
        },
    )
    return len(gone_on)
