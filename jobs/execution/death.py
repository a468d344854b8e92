"""The end of a job that did not succeed: the ledger, the organization's audit log, its family."""

import structlog
from django.db import transaction

from audit.record import record
from jobs.cancels import cancel_of
from jobs.job_types import registry
from jobs.ledger import transitions
from jobs.ledger.failures import Failure
from jobs.ledger.states import Reason, State
from jobs.ledger.transitions import Claimed
from tenancy.acting import Actor, acting

log = structlog.get_logger(__name__)


def bury(job: Claimed, *, reason: str, failure: Failure) -> None:
    """Bury a job and tell of it, in the caller's transaction. Raises LeaseLost."""
    transitions.bury(job, reason=reason, failure=failure)
    if reason == Reason.AUTHORIZATION_REVOKED:
        record(
            "job.authorization_revoked",
            ("job", job.ref.job_id),
            organization_id=job.ref.organization_id,
            project_id=job.project_id,
            outcome="denied",
            detail={"job_type": job.job_type},
        )
    _tell_of_end(job, reason)


def stop(job: Claimed, *, how: str) -> None:
    """Cancel a running job and tell of it, in the caller's transaction. Raises LeaseLost.

    The system ends it; who asked for that, and why, is repeated from the request in the log.
    """
    transitions.stop(job, how=how)
    asked = cancel_of(job.organization_id, job.ref.job_id)
    why = {"reason": asked.reason, "asked_by": asked.actor} if asked else {}
    with acting(Actor.system(), source="worker", job_id=str(job.ref.job_id)):
        record(
            "job.cancelled",
            ("job", job.ref.job_id),
            organization_id=job.ref.organization_id,
            project_id=job.project_id,
            detail={"job_type": job.job_type, "how": how, **why},
        )
    _tell_of_end(job, State.CANCELLED)


def _tell_of_end(job: Claimed, reason: str) -> None:
    """Let the family hear that its job is dead or cancelled, in the caller's transaction."""
    try:
        with transaction.atomic():
            registry.tell_of_end(job.job_type, job, reason)
    except Exception:
        # A fault in the family must not keep its job alive, which would run, and send, for ever.
        log.exception("job_on_dead_broke", reason=str(reason))
