"""Tell operators that an alert opened or closed: by mail and by webhook, until it arrived.

Not as jobs: an alert about a broken queue must not need that queue. The scheduler does it, in a
thread of its own, because a slow mail server must not hold up the relay.

At least once. What is to be told stands on the alert (`tell_at`); a round takes it for a while,
sends with no transaction open, and notes who was told. A round that dies is repeated under the
same ids. An alert that closes before anybody heard of it is told once, as closed.
"""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from jobs.alerts.channels import MailTo, Webhook
from jobs.alerts.models import Alert
from jobs.families.notifications.errors import DeliveryError
from tenancy import clock
from tenancy.scope import engine_scope

log = structlog.get_logger(__name__)

MOST_TOLD = 25  # in one round, so that it is over before it would be repeated
ROUND_LENGTH = timedelta(minutes=10)  # after which a round that ended without a word is repeated
BACKOFF_FIRST, BACKOFF_CAP = timedelta(seconds=15), timedelta(minutes=15)


class Channel(Protocol):
    """One way to one receiver, by a name that stays."""

    @property
    def name(self) -> str: ...

    def bundles(self, alerts: Sequence[Alert]) -> Iterable[Sequence[Alert]]:
        """What goes into one message each."""

    def send(self, alerts: Sequence[Alert]) -> None:
        """Send one message. Raises DeliveryError."""


def channels() -> list[Channel]:
    """Those of ALERT_MAIL_TO and ALERT_WEBHOOK_URL."""
    found: list[Channel] = [MailTo(address=address) for address in settings.ALERT_MAIL_TO]
    if settings.ALERT_WEBHOOK_URL:
        found.append(Webhook(url=settings.ALERT_WEBHOOK_URL, secret=settings.ALERT_WEBHOOK_SECRET))
    return found


def tell() -> int:
    """One round; returns how many alerts everybody has heard of by now."""
    alerts = _take()
    results = [_through(channel, alerts) for channel in channels()] if alerts else []
    return sum([_note(alert, results) for alert in alerts])


@dataclass(kw_only=True)
class _Result:
    """What became of one channel in a round."""

    name: str
    told: set[int] = field(default_factory=set)
    error: str = ""


def _through(channel: Channel, alerts: Sequence[Alert]) -> _Result:
    """Tell what this channel has not told yet; its first failure ends it for this round."""
    result = _Result(name=channel.name)
    due = []
    for alert in alerts:
        if alert.state in alert.told.get(channel.name, {}):
            result.told.add(alert.pk)
        else:
            due.append(alert)
    try:
        for bundle in channel.bundles(due):
            channel.send(bundle)
            result.told.update(alert.pk for alert in bundle)
    except DeliveryError as error:
        result.error = f"{channel.name}: {error}"
        log.warning("alert_not_told", channel=channel.name, error=str(error), detail=error.detail)
    return result


def _take() -> list[Alert]:
    with engine_scope(), transaction.atomic():
        due = Alert.objects.filter(tell_at__lte=Now()).select_related("organization")
        alerts = list(
            due.order_by("tell_at", "pk").select_for_update(skip_locked=True, of=("self",))[
                :MOST_TOLD
            ]
        )
        keys = [alert.pk for alert in alerts]
        Alert.objects.filter(pk__in=keys).update(tell_at=Now() + ROUND_LENGTH)
    return alerts


def _note(alert: Alert, results: Sequence[_Result]) -> bool:
    """Write down who was told, and when to try the others again."""
    now = clock.now()
    told = {one.name for one in results if alert.pk in one.told}
    with engine_scope(), transaction.atomic():
        row = Alert.objects.select_for_update().filter(pk=alert.pk).first()
        if row is None:
            return False
        for name in told:
            row.told.setdefault(name, {}).setdefault(alert.state, now.isoformat())
        is_done = len(told) == len(results)
        row.tell_failures = 0 if is_done else row.tell_failures + 1
        row.tell_error = "\n".join(one.error for one in results if one.error)
        if row.state == alert.state:  # else it changed meanwhile, and that is due already
            row.tell_at = None if is_done else now + wait_after(row.tell_failures)
        row.save(update_fields=["told", "tell_failures", "tell_error", "tell_at"])
    return is_done


def wait_after(failures: int) -> timedelta:
    """Until the next round, after so many in vain."""
    doubled: timedelta = BACKOFF_FIRST * 2 ** min(failures - 1, 10)
    return min(doubled, BACKOFF_CAP)


# In the scheduler


class Teller:
    """Rounds in a thread of their own, one at a time."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin a round, unless one is under way or nothing is to be told."""
        if self._thread is not None and self._thread.is_alive():
            return
        with engine_scope(), transaction.atomic():
            if not Alert.objects.filter(tell_at__lte=Now()).exists():
                return
        self._thread = threading.Thread(target=self._run, name="alert-teller", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            tell()
        except Exception:
            # The round is repeated after ROUND_LENGTH, whatever broke it.
            log.exception("alert_telling_broke")
        finally:
            connection.close()


teller = Teller()
