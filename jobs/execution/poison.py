"""Messages that no job answers to: a dead letter each, and nothing read or done for them."""

import uuid

import structlog
from django.db import transaction

from jobs import metrics
from jobs.broker.messages import Ack, Disposition, GroupMessage, Poison
from jobs.execution.death import bury
from jobs.execution.leases import lease, leases
from jobs.job_types import MOST_NAME_LENGTH
from jobs.ledger import transitions
from jobs.ledger.failures import Failure, storable
from jobs.ledger.statements import run
from jobs.ledger.states import Reason
from jobs.ledger.transitions import JobRef
from tenancy.scope import engine_scope, scope

log = structlog.get_logger(__name__)

MOST_RAW_BYTES = 16 * 1024

_EXPLAIN = {
    Reason.UNKNOWN_JOB: "The message names a job that this organization does not have.",
    Reason.UNDECODABLE: "The bytes are no message. Something else wrote into this queue.",
    Reason.UNKNOWN_JOB_TYPE: "No job type of this name is declared in this release.",
}


def reference_of(message: GroupMessage) -> JobRef | None:
    """The job that a message refers to, or None when it names none.

    The organization is that of the queue and the id the one that Redis filed it under.
    """
    return _reference(message.organization_id, message.key.message_id)


def bury_message(message: GroupMessage, *, reason: Reason) -> Disposition:
    """A dead letter for a message that names no job."""
    failure = Failure(error_class="UnknownJob", message=_EXPLAIN[reason])
    _write(
        organization_id=message.organization_id,
        group=message.group,
        job_type=message.actor_name,
        reason=reason,
        failure=failure,
        raw=message.body,
    )
    return Ack()


def on_poison(poison: Poison) -> None:
    """Hook of the broker: bury what it could not run, the job behind it where there is one."""
    reason = Reason(poison.reason)
    failure = (
        Failure.of(poison.exception)
        if poison.exception is not None
        else Failure(error_class="Poison", message=_EXPLAIN.get(reason, str(reason)))
    )
    ref = _reference(poison.organization_id, poison.message_id)
    if ref is not None and _bury_job(ref, reason, failure):
        return
    _write(
        organization_id=poison.organization_id,
        group=poison.group,
        job_type=poison.message.actor_name if poison.message else "",
        reason=reason,
        failure=failure,
        raw=poison.raw,
    )


def _bury_job(ref: JobRef, reason: Reason, failure: Failure) -> bool:
    """Bury the job that a poisonous message refers to; False when there is no such job to bury."""
    with scope(ref.organization_id), transaction.atomic():
        [answer] = transitions.claim([ref], worker_id=leases.worker_id, lease=lease())
        if answer.claimed is None:
            return answer.answer != "unknown"
        bury(answer.claimed, reason=reason, failure=failure)
    metrics.observe_dead(answer.claimed.group, answer.claimed.job_type, reason=reason)
    return True


def _reference(organization_id: int | None, message_id: str) -> JobRef | None:
    if organization_id is None:
        return None
    try:
        return JobRef(organization_id=organization_id, job_id=uuid.UUID(message_id))
    except ValueError:
        return None


def _write(
    *,
    organization_id: int | None,
    group: str,
    job_type: str,
    reason: Reason,
    failure: Failure,
    raw: bytes,
) -> None:
    job_type = storable(job_type)[:MOST_NAME_LENGTH]  # forged, perhaps
    with engine_scope(), transaction.atomic():
        run(
            "bury_message",
            {
                "organization_id": organization_id,
                "job_type": job_type,
                "queue_group": group[:32],  # a plain actor's queue has a name of any length
                "reason": reason.value,
                "error_class": failure.error_class,
                "error_message": failure.message,
                "error_frame": failure.frame,
                "worker_id": leases.worker_id,
                "fingerprint": failure.fingerprint(job_type=job_type, reason=reason),
                "raw": raw[:MOST_RAW_BYTES],
            },
        )
    metrics.observe_dead(group, job_type, reason=reason)
    log.error(
        "message_dead", organization_id=organization_id, queue_group=group, reason=reason.value
    )
