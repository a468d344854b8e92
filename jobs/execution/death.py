"""The death of a job: its dead letter, the organization's audit log, and its family."""

import structlog
from django.db import transaction

from audit.record import record
from jobs.job_types import registry
from jobs.ledger import transitions
from jobs.ledger.failures import Failure
from jobs.ledger.states import Reason
from jobs.ledger.transitions import Claimed

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
    tell_of_end(job, reason)


def tell_of_end(job: Claimed, reason: str) -> None:
    """Let the family hear that its job is dead or cancelled, in the caller's transaction."""
    try:
        with transaction.atomic():
            registry.tell_of_end(job.job_type, job, reason)
    except Exception:
        # A fault in the family must not keep its job alive, which would run, and send, for ever.
        log.exception("job_on_dead_broke", reason=str(reason))
