"""One event becomes one delivery per recipient and channel.

Runs inside the transaction that settles its job, so all deliveries and their jobs exist, or none.
Whoever is not to hear it gets a delivery too, `suppressed` from the start: the sums match, and
"why was this not sent" has an answer for each.
"""

from collections.abc import Sequence
from typing import Any

from jobs.families.notifications import recipients, unsubscribe
from jobs.families.notifications.deliver_mail import DeliverMail
from jobs.families.notifications.deliver_webhook import DeliverWebhook
from jobs.families.notifications.models import Channel, Delivery, DeliveryState, Suppressed
from jobs.job_types import JobType, Payload
from jobs.ledger import NewJob, enqueue_many
from tenancy import clock
from tenancy.models import DomainEvent


class FanOut(Payload):
    """The event to tell."""

    event_id: int


def fan_out(
    organization_id: int,
    event_id: int,
    *,
    mail: JobType[DeliverMail],
    webhook: JobType[DeliverWebhook],
) -> list[Delivery]:
    """Write the deliveries of an event, and enqueue a job for each that is to be sent.

    Repeating it adds only recipients that have none yet. Returns the new deliveries.
    """
    event = DomainEvent.objects.get(organization_id=organization_id, pk=event_id)
    known = set(
        Delivery.objects.filter(organization_id=organization_id, event=event).values_list(
            "channel", "recipient"
        )
    )
    new = [
        delivery
        for delivery in (*_mails(event), *_webhooks(event))
        if (delivery.channel, delivery.recipient) not in known
    ]
    for channel, job_type in ((Channel.MAIL, mail), (Channel.WEBHOOK, webhook)):
        _enqueue(event, [one for one in new if one.channel == channel], job_type)
    Delivery.objects.bulk_create(new)
    return new


def _mails(event: DomainEvent) -> list[Delivery]:
    made = []
    for person, why_not in recipients.people(event):
        delivery = _delivery(event, Channel.MAIL, f"collaborator:{person.pk}", why_not)
        delivery.collaborator, delivery.mailbox = person, person.email
        delivery.unsubscribe_digest = unsubscribe.digest(unsubscribe.token(delivery.pk))
        made.append(delivery)
    return made


def _webhooks(event: DomainEvent) -> list[Delivery]:
    made = []
    for endpoint, why_not in recipients.endpoints(event):
        delivery = _delivery(event, Channel.WEBHOOK, f"endpoint:{endpoint.pk}", why_not)
        delivery.endpoint = endpoint
        made.append(delivery)
    return made


def _delivery(
    event: DomainEvent, channel: Channel, recipient: str, why_not: Suppressed | None
) -> Delivery:
    return Delivery(
        organization_id=event.organization_id,
        event=event,
        channel=channel,
        recipient=recipient,
        state=DeliveryState.SUPPRESSED if why_not else DeliveryState.PENDING,
        reason=why_not or "",
        settled_at=clock.now() if why_not else None,
    )


def _enqueue(event: DomainEvent, deliveries: Sequence[Delivery], job_type: JobType[Any]) -> None:
    sending = [one for one in deliveries if one.state == DeliveryState.PENDING]
    enqueued = enqueue_many(
        job_type,
        [
            NewJob(
                payload=job_type.payload(
                    delivery_id=one.pk,
                    event_id=event.pk,
                    recipient_id=one.collaborator_id or one.endpoint_id,
                ),
                organization_id=event.organization_id,
                project_id=event.project_id,
                entity=(event.entity_type, str(event.entity_id)),
            )
            for one in sending
        ],
    )
    for delivery, job in zip(sending, enqueued, strict=True):
        delivery.job_id = job.job_id
