"""The ways to operators: a mail that sums up a round, and a signed webhook for each alert.

Both go through the transports of the notifications: the one guarded POST, the one mail builder.
Organizations are named by their slugs here: a name may hold what breaks a header.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.urls import reverse

from jobs.alerts.conditions import Kind
from jobs.alerts.models import Alert
from jobs.alerts.states import AlertState
from jobs.alerts.words import ADVICE, sentence
from jobs.families.notifications import mail
from jobs.families.notifications.errors import Deferred, ReceiverFailed
from jobs.families.notifications.webhooks.allowed import address_rules
from jobs.families.notifications.webhooks.send import send
from jobs.families.notifications.webhooks.sign import signed_headers
from tenancy import clock
from tenancy.admin.times import span


class Unsigned(Deferred):
    """Nothing was sent; it will be when the setting is mended."""

    word = "unsigned"


@dataclass(frozen=True, kw_only=True)
class MailTo:
    """One mailbox: one mail for all that is to be told."""

    address: str

    @property
    def name(self) -> str:
        """As `told` and the pages have it."""
        return f"mail to {self.address}"

    def bundles(self, alerts: Sequence[Alert]) -> Iterable[Sequence[Alert]]:
        """All in one."""
        return [alerts] if alerts else []

    def send(self, alerts: Sequence[Alert]) -> None:
        """Raises DeliveryError."""
        ids = " ".join(f"{alert.pk}-{alert.state}" for alert in alerts)
        mail.send(
            mail.build(
                mail.Mail(
                    effect_id=f"alert-{hashlib.sha256(ids.encode()).hexdigest()[:32]}",
                    recipient=self.address,
                    sender=settings.DEFAULT_FROM_EMAIL,
                    subject=_subject(alerts),
                    text=_text(alerts),
                    html="",
                    unsubscribe_url="",
                )
            )
        )


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """One address: a message for each alert, so that a receiver can tell them apart by their id."""

    url: str
    secret: str
    name: str = "webhook"

    def bundles(self, alerts: Sequence[Alert]) -> Iterable[Sequence[Alert]]:
        """Each by itself."""
        return [[alert] for alert in alerts]

    def send(self, alerts: Sequence[Alert]) -> None:
        """Raises DeliveryError."""
        [alert] = alerts
        body = json.dumps(_facts(alert), separators=(",", ":")).encode()
        now = clock.now()  # receivers refuse a signature that is minutes old, or early
        try:
            headers = signed_headers(f"alert-{alert.pk}-{alert.state}", body, [self.secret], at=now)
        except ValueError as error:
            raise Unsigned(f"ALERT_WEBHOOK_SECRET cannot sign: {error}") from error
        response = send(self.url, body, headers, rules=address_rules())
        if not response.succeeded:
            raise ReceiverFailed(response.status)


def _facts(alert: Alert) -> dict[str, Any]:
    return {
        "type": f"alert.{_became(alert)}",
        "id": alert.pk,
        "alert": alert.kind,
        "summary": _headline(alert),
        "organization_id": alert.organization_id,
        "organization": alert.organization.slug if alert.organization else None,
        "queue_group": alert.queue_group or None,
        "value": alert.value,
        "began_at": alert.began_at.isoformat(),
        "opened_at": alert.opened_at.isoformat() if alert.opened_at else None,
        "closed_at": alert.closed_at.isoformat() if alert.closed_at else None,
        "url": _address(alert),
    }


def _subject(alerts: Sequence[Alert]) -> str:
    counts = Counter(_became(alert) for alert in alerts)
    if len(alerts) == 1:
        [alert] = alerts
        return f"[Alert {_became(alert)}] {_headline(alert)}"
    what = ", ".join(f"{number} {became}" for became, number in sorted(counts.items()))
    return f"[Alerts: {what}] {_headline(alerts[0])}, …"


def _text(alerts: Sequence[Alert]) -> str:
    parts = [_paragraph(alert) for alert in alerts]
    parts.append(f"All alerts: {settings.PUBLIC_URL}{reverse('admin:jobs_alert_changelist')}")
    return "\n\n".join(parts) + "\n"


def _paragraph(alert: Alert) -> str:
    lines = [f"{_became(alert).capitalize()}: {_headline(alert)}"]
    if alert.closed_at and alert.opened_at:
        lines.append(f"It lasted {span(alert.closed_at - alert.opened_at)}.")
    else:
        lines += [f"Since {alert.began_at:%Y-%m-%d %H:%M} UTC.", ADVICE[Kind(alert.kind)]]
    return "\n".join([*lines, _address(alert)])


def _headline(alert: Alert) -> str:
    whose = f"{alert.organization.slug}: " if alert.organization else ""
    return whose + sentence(alert)


def _became(alert: Alert) -> str:
    return "closed" if alert.state == AlertState.CLOSED else "opened"


def _address(alert: Alert) -> str:
    return settings.PUBLIC_URL + reverse("admin:jobs_alert_change", args=[alert.pk])
