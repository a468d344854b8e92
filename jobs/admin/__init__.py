"""The admin pages of this app."""

from jobs.admin import (
    alerts,
    deadletters,
    deliveries,
    endpoints,
    exports,
    imports,
    jobs,
    queues,
    recipients,
    workers,
)

__all__ = [
    "alerts",
    "deadletters",
    "deliveries",
    "endpoints",
    "exports",
    "imports",
    "jobs",
    "queues",
    "recipients",
    "workers",
]
