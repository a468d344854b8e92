"""Cancel jobs that still wait."""

import uuid
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import groupby

import structlog
from django.db import transaction

from jobs.broker.errors import BrokerUnavailable
from jobs.deadletters import Outcome, operate
from jobs.job_types import registry
from jobs.ledger import transitions
from jobs.ledger.models import Job
from jobs.ledger.publish import queues
from jobs.ledger.transitions import JobRef

log = structlog.get_logger(__name__)


def cancel(job_ids: Iterable[uuid.UUID], *, reason: str) -> Outcome:
    """Jobs that have not started never will. Raises NotInState without a reason.

    A running job is left alone, and the outcome says so.
    """

    def move(refs: Sequence[JobRef]) -> list[JobRef]:
        cancelled = transitions.cancel(refs, reason="cancelled")
        for job in Job.objects.filter(pk__in=[ref.job_id for ref, _ in cancelled]):
            registry.tell_of_end(job.job_type, job, "cancelled")
        transaction.on_commit(partial(_take_out, cancelled), robust=True)
        return [ref for ref, _ in cancelled]

    return operate(
        job_ids, "job.cancelled", reason, move, wants="and only a waiting job can be cancelled"
    )


def _take_out(jobs: list[tuple[JobRef, str]]) -> None:
    """Spare workers the messages; one that stays is acknowledged without running."""

    def queue(job: tuple[JobRef, str]) -> tuple[str, int]:
        return job[1], job[0].organization_id

    for (group, organization_id), of_queue in groupby(sorted(jobs, key=queue), key=queue):
        try:
            queues().remove(group, organization_id, [str(ref.job_id) for ref, _ in of_queue])
        except BrokerUnavailable as error:
            log.warning("jobs_left_in_line", error=str(error))
