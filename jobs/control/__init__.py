"""What people do to jobs that wait and to their queues; permitted, audited, with a reason."""

from jobs.control.jobs import cancel
from jobs.control.queues import (
    capacity,
    drain,
    end_pauses,
    limit,
    pause,
    rate,
    resume,
    weight,
)

__all__ = [
    "cancel",
    "capacity",
    "drain",
    "end_pauses",
    "limit",
    "pause",
    "rate",
    "resume",
    "weight",
]
