"""Cancel jobs: those that wait never start, those that run are asked to end."""

import uuid
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import groupby

import structlog
from django.db import transaction

from jobs.broker.errors import BrokerUnavailable
from jobs.broker.notices import Notice, publish
from jobs.deadletters import Outcome, operate
from jobs.job_types import registry
from jobs.ledger import transitions
from jobs.ledger.models import Job
from jobs.ledger.publish import queues
from jobs.ledger.transitions import JobRef

log = structlog.get_logger(__name__)


def cancel(job_ids: Iterable[uuid.UUID], *, reason: str) -> Outcome:
    """Jobs that have not started never will; running ones are asked to end.

    What becomes of a running one stands in the ledger: cancelled, and by which way, or succeeded
    when it was quicker. Raises NotInState without a reason.
    """
    with transaction.atomic():
        waited = operate(job_ids, "job.cancelled", reason, _cancel, wants="")
        rest = [job_id for job_id, _ in waited.left]
        ran = operate(
            rest, "job.cancel_requested", reason, _ask, wants="so there is nothing to cancel"
        )
    return Outcome(done=waited.done, asked=ran.done, left=ran.left)


def _cancel(refs: Sequence[JobRef]) -> list[JobRef]:
    cancelled = transitions.cancel(refs, reason="cancelled")
    for job in Job.objects.filter(pk__in=[ref.job_id for ref, _ in cancelled]):
        registry.tell_of_end(job.job_type, job, "cancelled")
    transaction.on_commit(partial(_take_out, cancelled), robust=True)
    return [ref for ref, _ in cancelled]


def _ask(refs: Sequence[JobRef]) -> list[JobRef]:
    asked = transitions.request_cancel(refs)
    transaction.on_commit(partial(_tell, asked), robust=True)
    return [ref for ref, _ in asked]


def _tell(jobs: list[tuple[JobRef, str]]) -> None:
    """Workers that do not hear it now hear it with their next heartbeat."""
    for ref, group in jobs:
        notice = Notice(
            kind="cancelled",
            organization_id=ref.organization_id,
            group=group,
            job_id=str(ref.job_id),
        )
        publish(queues(), notice)


def _take_out(jobs: list[tuple[JobRef, str]]) -> None:
    """Spare workers the messages; one that stays is acknowledged without running."""

    def queue(job: tuple[JobRef, str]) -> tuple[str, int]:
        return job[1], job[0].organization_id

    for (group, organization_id), of_queue in groupby(sorted(jobs, key=queue), key=queue):
        try:
            queues().remove(group, organization_id, [str(ref.job_id) for ref, _ in of_queue])
        except BrokerUnavailable as error:
            log.warning("jobs_left_in_line", error=str(error))
