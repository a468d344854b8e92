"""One event to one mailbox."""

import time
from datetime import timedelta

from django.conf import settings

from jobs.execution.job import Run
from jobs.families.notifications import recipients, unsubscribe
from jobs.families.notifications.deliver import (
    Answer,
    DeliverPayload,
    begin,
    failed,
    open_delivery,
    sent,
    suppress,
)
from jobs.families.notifications.errors import DeliveryError
from jobs.families.notifications.footer import footer
from jobs.families.notifications.mail import Mail, build, send
from jobs.families.notifications.models import Delivery, Suppressed
from templates.catalogue import MAIL, context
from templates.errors import UnknownTemplate
from templates.render import Rendered, render
from tenancy.models import Collaborator


class DeliverMail(DeliverPayload):
    """A mail to send."""


def deliver_mail(run: Run[DeliverMail]) -> None:
    """Send it, unless its recipient may no longer hear it. Raises DeliveryError."""
    with run.transaction():
        delivery = open_delivery(run, "collaborator", "organization")
        why_not = None if delivery is None else _why_not(delivery)
    if delivery is None:
        return
    person = delivery.collaborator
    if person is None or why_not:
        suppress(run, delivery, why_not or Suppressed.RECIPIENT_REVOKED)
        return
    try:
        rendered = _render(delivery, person)
    except UnknownTemplate:
        suppress(run, delivery, Suppressed.NO_TEMPLATE)
        return
    _send(run, delivery, person, rendered)


def _why_not(delivery: Delivery) -> Suppressed | None:
    person = delivery.collaborator
    if person is None:
        return Suppressed.RECIPIENT_REVOKED
    why = recipients.why_not(delivery.organization_id, [person])[person.pk]
    # Active at fan-out and not any more: the recipient lost access in between.
    return Suppressed.RECIPIENT_REVOKED if why == Suppressed.RECIPIENT_INACTIVE else why


def _render(delivery: Delivery, person: Collaborator) -> Rendered:
    data = context(delivery.event, recipient_name=person.name)
    organization = delivery.organization
    return render(organization.pk, delivery.event.event_type, MAIL, organization.locale, data)


def _send(
    run: Run[DeliverMail], delivery: Delivery, person: Collaborator, rendered: Rendered
) -> None:
    last = footer(delivery, person.email)
    mail = Mail(
        effect_id=str(delivery.pk),
        recipient=person.email,  # as it is now: the old mailbox may be somebody else's
        sender=settings.DEFAULT_FROM_EMAIL,
        subject=rendered.subject,
        text=last.below_text(rendered.text),
        html=last.below_html(rendered.html),
        unsubscribe_url=unsubscribe.url(delivery),
    )
    headers = {"To": mail.recipient, "Subject": mail.subject, "Message-ID": mail.effect_id}
    attempt = begin(run, delivery, rendered, headers=headers, body=rendered.text)
    started = time.monotonic()
    try:
        send(build(mail))
    except DeliveryError as error:
        failed(run, attempt, _answer(started), error)
        raise
    sent(run, delivery, attempt, _answer(started))


def _answer(started: float) -> Answer:
    return Answer(latency=timedelta(seconds=time.monotonic() - started))
