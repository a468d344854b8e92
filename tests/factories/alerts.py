"""Alerts and counts of minutes: through the real door where there is one."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from jobs.alerts import minutes
from jobs.alerts.conditions import CONDITIONS, Count, Kind, Queue, Subject
from jobs.alerts.evaluate import apply
from jobs.alerts.models import Alert, MinuteCount
from jobs.alerts.states import AlertState
from tenancy.models import Organization
from tenancy.scope import engine_scope


def failing(own: Organization | int) -> Subject:
    """What opens at once."""
    key = own if isinstance(own, int) else own.pk
    return Subject(kind=Kind.JOBS_FAIL, organization_id=key)


def pass_minutes(
    subject: Subject, *values: float | None, since: datetime | None = None
) -> list[Alert]:
    """A minute for each value, None where the condition does not hold; the alerts of the subject.

    For every other subject these are minutes in which nothing was wrong.
    """
    at = since or datetime.now(UTC) - timedelta(minutes=len(values))
    for number, value in enumerate(values):
        found = {} if value is None else {subject: value}
        with engine_scope(), transaction.atomic():
            apply(found, list(CONDITIONS), at=at + timedelta(minutes=number))
    return alerts_of(subject)


def alerts_of(subject: Subject) -> list[Alert]:
    """All of its alerts, the oldest first."""
    with engine_scope(), transaction.atomic():
        found = Alert.objects.filter(
            organization_id=subject.organization_id, kind=subject.kind, queue_group=subject.group
        )
        return list(found.order_by("pk"))


def open_alert(own: Organization) -> Alert:
    """Its jobs fail."""
    [alert] = pass_minutes(failing(own), 0.8)
    assert alert.state == AlertState.OPEN
    return alert


def minute_count(own: Organization, **numbers: Any) -> MinuteCount:
    """A minute of its notifications."""
    queue = Queue(organization_id=own.pk, group="notifications")
    with engine_scope(), transaction.atomic():
        minutes.write({queue: Count(**{"depth": 1} | numbers)}, minutes.last_full())
        return MinuteCount.objects.filter(organization=own).latest("pk")
