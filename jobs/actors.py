"""The actors of all families: the one module that `rundramatiq` discovers.

Import a new family's module here. Where, does not matter: what is declared later is heard of too.
"""

import dramatiq

import jobs.families.notifications.job_types
import jobs.families.search.job_types
import jobs.families.transfers.job_types  # noqa: F401 - they declare their job types
from jobs.execution.run import run_job
from jobs.job_types import JobType, registry


def declare(job_type: JobType) -> None:  # type: ignore[type-arg]
    """Make the job type's actor known to Dramatiq."""
    milliseconds = int(job_type.policy.time_limit.total_seconds() * 1000)
    dramatiq.actor(
        actor_name=job_type.name,
        queue_name=job_type.group,
        time_limit=milliseconds,
        # Retries are the ledger's; the actor never raises for what a job does.
        max_retries=0,
    )(run_job)


registry.for_each(declare)
