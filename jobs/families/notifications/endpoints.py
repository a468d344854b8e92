"""Webhook endpoints: set up, changed, rotated, tested, disabled.

Every function that writes needs a transaction in the organization's scope; the caller has asked
`tenancy.access` whether the person may. A secret is returned once, by the function that made it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from audit.record import record
from jobs.families.notifications.errors import DeliveryError
from jobs.families.notifications.models import Endpoint, EndpointState, uuid7
from jobs.families.notifications.webhooks import address, secrets
from jobs.families.notifications.webhooks.allowed import address_rules
from jobs.families.notifications.webhooks.send import Response, send
from jobs.families.notifications.webhooks.sign import new_secret, signed_headers
from jobs.ledger import breakers
from jobs.ledger.breakers import BreakerState
from templates.catalogue import EVENT_TYPES, WEBHOOK, event_type
from tenancy import changes, clock

BOTH_SIGN = timedelta(hours=24)
DELIVER = "notifications.deliver_webhook"
"""The job type whose jobs wait behind an endpoint's breaker."""


@dataclass(frozen=True, kw_only=True)
class TestResult:
    """What became of a test send."""

    __test__ = False  # not a test for pytest

    succeeded: bool
    text: str  # one sentence for the organization
    detail: str  # for operators only: the rule and addresses of a refusal
    response: Response | None  # None when no answer came


def create(
    organization_id: int, *, name: str, url: str, event_types: Sequence[str]
) -> tuple[Endpoint, str]:
    """A new endpoint and its secret, which cannot be read again.

    Raises `AddressRefused` for a URL that no webhook may go to, and UnknownTemplate for an event
    type that is not in the catalogue. The name in the URL is resolved when something is sent, and
    each time anew.
    """
    secret = new_secret()
    endpoint = Endpoint(
        organization_id=organization_id,
        name=name,
        url=_checked_url(url),
        event_types=_checked_types(event_types),
        secret=secrets.encrypt(secret),
    )
    return changes.create(endpoint), secret


def change(
    endpoint: Endpoint,
    *,
    name: str | None = None,
    url: str | None = None,
    event_types: Sequence[str] | None = None,
) -> Endpoint:
    """Set what is given. Raises as `create` does."""
    values: dict[str, object] = {}
    if name is not None:
        values["name"] = name
    if url is not None:
        values["url"] = _checked_url(url)
    if event_types is not None:
        values["event_types"] = _checked_types(event_types)
    return changes.update(endpoint, **values)


def rotate(endpoint: Endpoint) -> str:
    """A new secret; the old one signs beside it for 24 hours.

    Rotating again within that time drops the oldest at once: two secrets sign, never three.
    """
    secret = new_secret()
    until = clock.now() + BOTH_SIGN
    changes.update(
        endpoint,
        previous_secret=endpoint.secret,
        previous_until=until,
        secret=secrets.encrypt(secret),
    )
    return secret


def disable(endpoint: Endpoint, reason: str) -> Endpoint:
    """Nothing goes there any more; what is on its way dies, reason `endpoint_disabled`.

    What its breaker holds too: it goes on, paced, and finds the endpoint disabled.
    """
    try_again(endpoint, reason)
    return changes.update(endpoint, state=EndpointState.DISABLED, state_reason=reason[:200])


def enable(endpoint: Endpoint) -> Endpoint:
    """Send there again; dead letters of the time between can be retried."""
    return changes.update(endpoint, state=EndpointState.ACTIVE, state_reason="")


def remove(endpoint: Endpoint) -> Endpoint:
    """Delete it for people; the row stays, because its deliveries are history."""
    try_again(endpoint, "The endpoint was deleted.")
    return changes.update(
        endpoint,
        state=EndpointState.DELETED,
        state_reason="",
        event_types=[],
        previous_secret=None,
        previous_until=None,
    )


def outage(endpoint: Endpoint) -> BreakerState | None:
    """What its breaker knows, while its receiver has failed lately."""
    return breakers.state_of(_breaker(endpoint))


def try_again(endpoint: Endpoint, reason: str) -> bool:
    """What its breaker holds goes on, paced; False when it holds nothing back."""
    return breakers.close(_breaker(endpoint), reason=reason)


def destination(endpoint_id: int) -> str:
    """How its breaker is called."""
    return f"endpoint:{endpoint_id}"


def _breaker(endpoint: Endpoint) -> breakers.Key:
    return breakers.Key(
        organization_id=endpoint.organization_id,
        job_type=DELIVER,
        destination=destination(endpoint.pk),
    )


def signing_secrets(endpoint: Endpoint, at: datetime) -> list[str]:
    """The secrets that sign at this moment, the current one first."""
    signing = [secrets.decrypt(endpoint.secret)]
    if endpoint.previous_until is not None and at < endpoint.previous_until:
        signing.append(secrets.decrypt(endpoint.previous_secret or b""))
    return signing


def send_test(endpoint: Endpoint) -> TestResult:
    """Send the sample of an event through the same transport, whatever state the endpoint is in.

    Takes up to 25 seconds, in which it keeps a thread of the web process; so one at a time for an
    organization. Recorded in the audit log, with what came back.
    """
    if not _alone(endpoint.organization_id):
        why = "Another test of your organization is under way. Try again when it has ended."
        return TestResult(succeeded=False, text=why, detail="", response=None)
    body = json.dumps(_sample(endpoint)).encode()
    now = clock.now()
    headers = signed_headers(f"test_{uuid7()}", body, signing_secrets(endpoint, now), at=now)
    try:
        response = send(endpoint.url, body, headers, rules=address_rules())
    except DeliveryError as error:
        result = TestResult(succeeded=False, text=str(error), detail=error.detail, response=None)
    else:
        milliseconds = round(response.latency.total_seconds() * 1000)
        text = f"The receiver answered {response.status} after {milliseconds} ms."
        result = TestResult(succeeded=response.succeeded, text=text, detail="", response=response)
    record(
        "endpoint.tested",
        endpoint,
        outcome="success" if result.succeeded else "failed",
        detail={"result": result.text},
    )
    return result


def _alone(organization_id: int) -> bool:
    """Whether no other transaction tests for this organization; then, until ours ends."""
    with connection.cursor() as cursor:
        name = f"endpoint.test:{organization_id}"
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        [(free,)] = cursor.fetchall()
    return bool(free)


def _sample(endpoint: Endpoint) -> dict[str, object]:
    name = next(iter(endpoint.event_types), None) or next(iter(EVENT_TYPES))
    data = event_type(name).sample(WEBHOOK)
    moment = clock.now().isoformat()
    return {"type": name, "timestamp": moment, "test": True, "data": data}


def _checked_url(url: str) -> str:
    address.parse(url, address_rules())
    return url


def _checked_types(names: Sequence[str]) -> list[str]:
    return sorted({event_type(name).name for name in names})
