"""The scheduler's tick: count the minute that is over, judge it, open and close alerts.

Once a minute, whoever comes first: one lock, one transaction, and the rows of the minute are the
mark that it is done. So an alert opens and closes exactly once, with two schedulers too.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

import structlog
from django.conf import settings
from django.db import connection, transaction

from jobs.alerts import minutes
from jobs.alerts.conditions import (
    GROWTH_MINUTES,
    Condition,
    Minute,
    Picture,
    Subject,
    judge,
    judged,
)
from jobs.alerts.models import Alert
from jobs.alerts.states import AlertState, Step, follow
from jobs.broker.errors import BrokerUnavailable
from jobs.execution.leases import lease
from jobs.job_types import GROUPS
from jobs.ledger import figures
from tenancy.scope import engine_scope

log = structlog.get_logger(__name__)

LOCK = 0x616C6572  # "aler", of PostgreSQL's advisory locks
HISTORY_KEPT = timedelta(days=90)


def evaluate() -> bool:
    """Do the last full minute; False when it is done already."""
    with engine_scope(), transaction.atomic():
        minute = minutes.last_full()
        if minutes.is_counted(minute):
            return False
    try:
        waiting, sees_queues = minutes.waiting(), True
    except BrokerUnavailable:
        # The ledger still tells of failures, workers and the relay.
        waiting, sees_queues = {}, False
    with engine_scope(), transaction.atomic():
        if not _locked() or minutes.is_counted(minute):
            return False
        _do(minute, waiting, sees_queues=sees_queues)
        return True


def _do(minute: datetime, waiting: Minute, *, sees_queues: bool) -> None:
    counts = minutes.with_finished(waiting, minute)
    alive = figures.alive(lease())
    picture = Picture(
        now=counts,
        past=minutes.read(minute, GROWTH_MINUTES),
        workers={group: alive.get(group, 0) for group in GROUPS},
        relay_seconds=figures.relay_lag().total_seconds(),
        oldest_allowed=settings.ALERT_OLDEST_SECONDS,
        sees_queues=sees_queues,
    )
    alerts = apply(judge(picture), judged(picture), at=minute + minutes.MINUTE)
    alerted = {one.organization_id for one in alerts if one.organization_id is not None}
    minutes.write(minutes.keep(counts, alerted), minute)
    minutes.remove_old(minute)
    Alert.objects.filter(state=AlertState.CLOSED, closed_at__lt=minute - HISTORY_KEPT)._raw_delete(
        "default"
    )


def apply(
    found: Mapping[Subject, float], conditions: list[Condition], *, at: datetime
) -> list[Alert]:
    """Take every alert one minute further; returns those that are live now."""
    known = minutes.existing(subject.organization_id for subject in found)
    found = {
        subject: value
        for subject, value in found.items()
        if subject.organization_id is None or subject.organization_id in known
    }
    live = {alert.subject: alert for alert in Alert.objects.exclude(state=AlertState.CLOSED)}
    steps = follow({subject: _step(alert) for subject, alert in live.items()}, found, conditions)
    for subject, step in steps.items():
        alert = live.get(subject) or _new(subject, at)
        if step is None:
            alert.delete()
            del live[subject]
            continue
        alert.value = found.get(subject, alert.value)
        _take(alert, step, at)
        live[subject] = alert
    return [alert for alert in live.values() if alert.state != AlertState.CLOSED]


def _take(alert: Alert, step: Step, at: datetime) -> None:
    was = alert.state
    alert.state, alert.minutes, alert.is_quiet = step.state, step.minutes, step.is_quiet
    if step.state != was and step.state == AlertState.OPEN:
        alert.opened_at = alert.tell_at = at
        transaction.on_commit(partial(_log_opened, alert), robust=True)
    elif step.state == AlertState.CLOSED:
        alert.closed_at = alert.tell_at = at
        transaction.on_commit(partial(_log_closed, alert), robust=True)
    alert.save()


def _log_opened(alert: Alert) -> None:
    log.warning("alert_opened", **_facts(alert))


def _log_closed(alert: Alert) -> None:
    assert alert.opened_at
    assert alert.closed_at
    lasted = (alert.closed_at - alert.opened_at).total_seconds()
    log.info("alert_closed", **_facts(alert), lasted_seconds=lasted)


def _facts(alert: Alert) -> dict[str, object]:
    return {
        "alert": str(alert.kind),
        "alert_id": alert.pk,
        "organization_id": alert.organization_id,
        "queue_group": alert.queue_group,
        "value": alert.value,
    }


def _step(alert: Alert) -> Step:
    return Step(state=AlertState(alert.state), minutes=alert.minutes, is_quiet=alert.is_quiet)


def _new(subject: Subject, at: datetime) -> Alert:
    return Alert(
        organization_id=subject.organization_id,
        kind=subject.kind,
        queue_group=subject.group,
        began_at=at,
        value=0,
    )


def _locked() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        [locked] = cursor.fetchone() or [False]
    return bool(locked)
