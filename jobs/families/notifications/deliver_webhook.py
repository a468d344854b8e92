"""One event to one endpoint."""

from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings

from jobs.execution.job import Run
from jobs.families.notifications import endpoints
from jobs.families.notifications.deliver import (
    Answer,
    DeliverPayload,
    begin,
    failed,
    open_delivery,
    sent,
    suppress,
)
from jobs.families.notifications.errors import (
    DeliveryError,
    EndpointDisabled,
    EndpointGone,
    ReceiverFailed,
)
from jobs.families.notifications.models import Delivery, Endpoint, EndpointState, Suppressed
from jobs.families.notifications.webhooks.allowed import address_rules
from jobs.families.notifications.webhooks.send import Response, send
from jobs.families.notifications.webhooks.sign import signed_headers
from templates.catalogue import WEBHOOK, context
from templates.errors import UnknownTemplate
from templates.render import Rendered, render
from tenancy import clock


class DeliverWebhook(DeliverPayload):
    """A webhook to send."""


def deliver_webhook(run: Run[DeliverWebhook]) -> None:
    """Send it, unless its endpoint was disabled meanwhile. Raises DeliveryError."""
    with run.transaction():
        delivery = open_delivery(run, "endpoint", "organization")
    if delivery is None:
        return
    endpoint = delivery.endpoint
    assert endpoint is not None  # a constraint of the table: a webhook has one
    if endpoint.state != EndpointState.ACTIVE:
        raise EndpointDisabled(
            "The endpoint was disabled or deleted while this was on its way. Enable it, then retry."
        ).about(named(endpoint))
    try:
        rendered = _render(delivery)
    except UnknownTemplate:
        suppress(run, delivery, Suppressed.NO_TEMPLATE)
        return
    _send(run, delivery, endpoint, rendered)


def _render(delivery: Delivery) -> Rendered:
    organization, event = delivery.organization, delivery.event
    return render(organization.pk, event.event_type, WEBHOOK, organization.locale, context(event))


def _send(
    run: Run[DeliverWebhook], delivery: Delivery, endpoint: Endpoint, rendered: Rendered
) -> None:
    now = clock.now()  # receivers refuse a signature that is minutes old, or early
    headers = signed_headers(
        str(delivery.pk), rendered.body, endpoints.signing_secrets(endpoint, now), at=now
    )
    attempt = begin(run, delivery, rendered, headers=headers, body=rendered.body.decode())
    answer = Answer()
    try:
        response = send(endpoint.url, rendered.body, headers, rules=address_rules())
        answer = _answer(response)
        if not response.succeeded:
            raise _verdict(run, response)
    except DeliveryError as error:
        failed(run, attempt, answer, error)
        if isinstance(error, EndpointGone):
            with run.transaction():
                endpoints.disable(endpoint, str(error))
        error.about(named(endpoint))
        raise
    sent(run, delivery, attempt, answer)


def _verdict(run: Run[DeliverWebhook], response: Response) -> DeliveryError:
    """What a status that is not 2xx means. 3xx is a failure like another: nothing is followed."""
    if response.status == 410:
        return EndpointGone("The receiver answered 410: it wants no more webhooks.")
    asked = response.retry_after(clock.now())
    return ReceiverFailed(response.status, retry_after=bounded(asked, _scheduled(run)))


def named(endpoint: Endpoint) -> str:
    """Which endpoint: its name and host. Its path may hold a key, and jobs are widely read."""
    return f"{endpoint.name} ({urlsplit(endpoint.url).hostname})"


def bounded(asked: timedelta | None, scheduled: timedelta) -> timedelta | None:
    """What a receiver asks for, honoured between one and two times the scheduled delay."""
    return None if asked is None else min(max(asked, scheduled), 2 * scheduled)


def _scheduled(run: Run[DeliverWebhook]) -> timedelta:
    delays = run.job_type.policy.delays
    return delays[min(run.job.attempt, len(delays)) - 1] * settings.JOBS_RETRY_SCALE


def _answer(response: Response) -> Answer:
    return Answer(
        latency=response.latency,
        address=response.address,
        status=response.status,
        headers=response.headers,
        body=response.body.decode(errors="replace"),
    )
