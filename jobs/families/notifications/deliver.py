"""What both channels share: the steps of a delivery around the sending itself.

    open        the delivery, or None when it has ended before
    begin       commit the marker of the effect and the attempt, as it is about to go out
    (send)      outside any transaction; `deliver_mail`, `deliver_webhook`
    sent        settle the job and the delivery in one transaction
    failed      note what came back; the job's policy decides what follows
    suppress    settle without sending, with the reason
    mark_dead   the job died or was cancelled: so does the delivery, for the same reason

The effect id is the delivery's id, on every attempt. A crash between sending and settling sends
again under the same id; what was settled is never sent again.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from jobs.execution.job import Run
from jobs.families.notifications.errors import DeliveryError, TransportError
from jobs.families.notifications.models import (
    AttemptResult,
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    Suppressed,
)
from jobs.job_types import Payload
from templates.render import Rendered
from tenancy import clock

ERROR_MAX_CHARACTERS = 2000


class DeliverPayload(Payload):
    """A delivery to make.

    recipient_id: of the collaborator or the endpoint, by channel. With the event and the channel
    (the job type's name) it is the idempotency key.
    """

    delivery_id: uuid.UUID
    event_id: int
    recipient_id: int

    @property
    def discriminator(self) -> str:
        return f"{self.event_id}:{self.recipient_id}"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back of one attempt, for the delivery log; all of it may be absent."""

    latency: timedelta | None = None
    address: str = ""
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


def open_delivery(run: Run[Any], *related: str) -> Delivery | None:
    """The delivery to make, in a transaction of the caller; None when it is sent or suppressed."""
    delivery = Delivery.objects.select_related("event", *related).get(
        organization_id=run.organization_id, pk=run.payload.delivery_id
    )
    over = (DeliveryState.SENT, DeliveryState.SUPPRESSED)
    return None if delivery.state in over else delivery


def begin(
    run: Run[Any],
    delivery: Delivery,
    rendered: Rendered,
    *,
    headers: Mapping[str, str],
    body: str,
) -> DeliveryAttempt:
    """Commit that this is about to go out. Raises LeaseLost."""
    with run.transaction():
        run.begin_effect(str(delivery.pk))
        _set(
            delivery,
            state=DeliveryState.PENDING,
            reason="",
            settled_at=None,
            template_version_id=rendered.version_id,
            template_fallback=(rendered.fallback_reason or "")[:32],
        )
        return DeliveryAttempt.objects.create(
            organization_id=delivery.organization_id,
            delivery=delivery,
            number=run.job.attempt,
            fence=run.job.fence,
            started_at=clock.now(),
            result=AttemptResult.BEGUN,
            request_headers=dict(headers),
            request_body=_storable(body),
        )


def sent(run: Run[Any], delivery: Delivery, attempt: DeliveryAttempt, answer: Answer) -> None:
    """Settle: it arrived. Raises LeaseLost, and then somebody else is sending it again."""
    with run.settling():
        _note(attempt, answer, result=AttemptResult.SENT)
        _set(delivery, state=DeliveryState.SENT, settled_at=clock.now())


def failed(run: Run[Any], attempt: DeliveryAttempt, answer: Answer, error: DeliveryError) -> None:
    """Note what came back; the caller raises `error` next."""
    with run.transaction():
        _note(
            attempt,
            answer,
            result=AttemptResult.FAILED,
            reason=error.word,
            error=_storable(str(error))[:ERROR_MAX_CHARACTERS],
            detail=_storable(error.detail)[:ERROR_MAX_CHARACTERS],
            address=error.address if isinstance(error, TransportError) else answer.address,
        )


def suppress(run: Run[Any], delivery: Delivery, why: Suppressed) -> None:
    """Settle without sending."""
    with run.settling():
        _set(delivery, state=DeliveryState.SUPPRESSED, reason=why, settled_at=clock.now())


class EndedJob(Protocol):
    """A job that died or was cancelled."""

    @property
    def organization_id(self) -> int: ...

    @property
    def payload(self) -> Any: ...


def mark_dead(job: EndedJob, reason: str) -> None:
    """The job types' `on_dead`, in the transaction that buries or cancels the job."""
    try:
        delivery_id = uuid.UUID(str(job.payload.get("delivery_id")))
    except ValueError:
        return
    Delivery.objects.filter(
        organization_id=job.organization_id,
        pk=delivery_id,
        state__in=[DeliveryState.PENDING, DeliveryState.DEAD],
    ).update(state=DeliveryState.DEAD, reason=reason, settled_at=clock.now())


def _note(attempt: DeliveryAttempt, answer: Answer, **values: Any) -> None:
    latency = answer.latency
    values = {
        "latency_ms": None if latency is None else round(latency.total_seconds() * 1000),
        "address": answer.address,
        "response_status": answer.status,
        "response_headers": {name: _storable(text) for name, text in answer.headers.items()},
        "response_body": _storable(answer.body),
    } | values
    DeliveryAttempt.objects.filter(organization_id=attempt.organization_id, pk=attempt.pk).update(
        **values
    )


def _set(delivery: Delivery, **values: Any) -> None:
    Delivery.objects.filter(organization_id=delivery.organization_id, pk=delivery.pk).update(
        **values
    )


def _storable(text: str) -> str:
    """PostgreSQL's text holds no NUL, and a receiver may answer one."""
    return text.replace("\x00", "\ufffd")
