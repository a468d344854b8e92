"""The metrics that a scrape reads: what waits, who works, how far the relay is, what is wrong.

Organizations are named for at most a hundred at a time (`named`): a series each for ten thousand
would be of no use to anybody. What waits for all others is added up under "rest".
"""

from collections.abc import Collection, Iterator, Mapping, Set
from dataclasses import dataclass, field

import structlog
from django.conf import settings
from django.db import Error, transaction
from django.db.models import Count as CountRows
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from jobs.alerts import minutes
from jobs.alerts.conditions import FAILURE_MINUTES, Count, Kind, Queue, recent_attempts
from jobs.alerts.models import Alert
from jobs.alerts.states import AlertState
from jobs.broker.answers import Depth
from jobs.broker.errors import BrokerUnavailable
from jobs.broker.queues import MOST_READ
from jobs.execution.leases import lease
from jobs.families.search import compare
from jobs.job_types import GROUPS
from jobs.ledger import figures
from jobs.ledger.publish import queues
from jobs.scheduler import SCHEDULER
from tenancy.scope import engine_scope

log = structlog.get_logger(__name__)

REST = "rest"
"""In the place of an organization: all beyond the hundred that are named."""
NONE = "none"
"""In the place of an organization: messages of plain actors, which have none."""

MOST_NAMED = 100


class Gauges(Collector):
    """Read at each scrape; without PostgreSQL or Redis, its part is missing. /readyz says why."""

    def collect(self) -> Iterator[Metric]:
        """All of them."""
        ledger = Ledger()
        try:
            with engine_scope(), transaction.atomic():
                ledger = Ledger.read()
        except Error as error:
            log.warning("metrics_without_ledger", error=str(error))
        else:
            yield from of_ledger(ledger)
        try:
            lines, totals = _read(ledger.alerted)
            memory = queues().memory_bytes()
        except BrokerUnavailable as error:
            log.warning("metrics_without_queues", error=str(error))
        else:
            names = named(ledger.alerted, lines, ledger.attempts)
            yield from of_queues(lines, totals, names)
            yield from of_attempts(ledger.attempts, names)
            help_text = "Memory that Redis uses."
            yield GaugeMetricFamily("jobs_redis_memory_bytes", help_text, value=memory)


def named(
    alerted: Collection[int],
    lines: Mapping[Queue, Count],
    attempts: Mapping[int, tuple[int, int]],
    most: int = MOST_NAMED,
) -> set[int]:
    """Who gets a name: those with a pending or open alert first, then by the age of the oldest
    waiting job, then by how much waits; those with nothing waiting, by how many attempts failed.
    """
    worst = dict.fromkeys(alerted, (1, 0.0, 0, 0))
    for organization_id, (_, failed) in attempts.items():
        worst.setdefault(organization_id, (0, 0.0, 0, failed))
    for queue, count in lines.items():
        if queue.organization_id is not None:
            is_alerted, age, depth, failed = worst.get(queue.organization_id, (0, 0.0, 0, 0))
            oldest = max(age, count.oldest_seconds)
            worst[queue.organization_id] = (is_alerted, oldest, depth + count.depth, failed)
    return set(sorted(worst, key=worst.__getitem__, reverse=True)[:most])


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """What PostgreSQL knows.

    workers: by group. alerts: open ones, by kind. untold: alerts that did not arrive. alerted:
    organizations with a pending or open one. attempts: as `conditions.recent_attempts`.
    drift: documents in which search indexes differ, by kind.
    """

    workers: Mapping[str, int] = field(default_factory=dict)
    relay_seconds: float = 0
    alerts: Mapping[str, int] = field(default_factory=dict)
    untold: int = 0
    alerted: Collection[int] = ()
    attempts: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    drift: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls) -> "Ledger":
        """In the engine's scope and a transaction."""
        live = Alert.objects.exclude(state=AlertState.CLOSED)
        counted = live.filter(state=AlertState.OPEN).order_by().values_list("kind")
        past = minutes.read(minutes.last_full() + minutes.MINUTE, FAILURE_MINUTES + 1)
        if not past[0]:  # the minute that has just ended is not counted yet
            past = past[1:]
        alerted = live.filter(organization__isnull=False)
        return cls(
            workers=figures.alive(lease()),
            relay_seconds=figures.relay_lag().total_seconds(),
            alerts=dict(counted.annotate(number=CountRows("pk"))),
            untold=Alert.objects.filter(tell_at__isnull=False).exclude(tell_error="").count(),
            alerted=set(alerted.values_list("organization_id", flat=True)),
            attempts=recent_attempts(past[0], past[1:]),
            drift=compare.drift(),
        )


def of_ledger(ledger: Ledger) -> Iterator[Metric]:
    """Workers, relay, alerts, and what is allowed."""
    workers = GaugeMetricFamily(
        "jobs_workers", "Processes seen within the lease.", labels=["queue_group"]
    )
    for group in (*GROUPS, SCHEDULER):
        workers.add_metric([group], ledger.workers.get(group, 0))
    alerts = GaugeMetricFamily("jobs_alerts_open", "Alerts that are open.", labels=["alert"])
    for kind in Kind:
        alerts.add_metric([kind], ledger.alerts.get(kind, 0))
    yield from (workers, alerts)
    yield GaugeMetricFamily(
        "jobs_alerts_untold", "Alerts that could not be told so far.", value=ledger.untold
    )
    yield GaugeMetricFamily(
        "jobs_relay_lag_seconds",
        "For how long the oldest job that ought to be in Redis is not there.",
        value=ledger.relay_seconds,
    )
    allowed = GaugeMetricFamily(
        "jobs_oldest_allowed_seconds", "What ALERT_OLDEST_SECONDS says.", labels=["queue_group"]
    )
    for group, seconds in settings.ALERT_OLDEST_SECONDS.items():
        allowed.add_metric([group], seconds)
    drift = GaugeMetricFamily(
        "search_drift_documents",
        "Documents in which indexes differed from the database when last compared.",
        labels=["kind"],
    )
    for name, documents in ledger.drift.items():
        drift.add_metric([name], documents)
    yield from (allowed, drift)


def of_queues(
    lines: Mapping[Queue, Count], totals: Mapping[str, Count], names: Set[int]
) -> Iterator[Metric]:
    """Depth and age of those who are named, of plain actors (organization None), and of the rest.

    The reads are not one: while a queue moves, the rest may be off by what moved.
    """
    labels = ("queue_group", "organization_id")
    depth = GaugeMetricFamily("jobs_queue_depth", "Jobs that are due and wait.", labels=labels)
    age = GaugeMetricFamily(
        "jobs_oldest_age_seconds", "How long the oldest of them is due.", labels=labels
    )
    for group, total in totals.items():
        rest, oldest = total.depth, 0.0
        for queue, count in lines.items():
            is_named = queue.organization_id is None or queue.organization_id in names
            if queue.group == group and is_named and count.depth:
                name = NONE if queue.organization_id is None else str(queue.organization_id)
                depth.add_metric((group, name), count.depth)
                age.add_metric((group, name), count.oldest_seconds)
                rest, oldest = rest - count.depth, max(oldest, count.oldest_seconds)
        depth.add_metric((group, REST), max(rest, 0))
        if total.oldest_seconds > oldest and rest > 0:
            age.add_metric((group, REST), total.oldest_seconds)
    yield from (depth, age)


def of_attempts(attempts: Mapping[int, tuple[int, int]], names: Set[int]) -> Iterator[Metric]:
    """Attempts that ended within the last five minutes, and the failed ones among them."""
    labels = ["organization_id"]
    ended = GaugeMetricFamily(
        "jobs_recent_attempts", "Attempts that ended in the last five minutes.", labels=labels
    )
    failed = GaugeMetricFamily(
        "jobs_recent_failed_attempts", "Those of them that failed.", labels=labels
    )
    for organization_id in names & attempts.keys():
        all_of_them, bad = attempts[organization_id]
        ended.add_metric([str(organization_id)], all_of_them)
        failed.add_metric([str(organization_id)], bad)
    yield from (ended, failed)


def _read(alerted: Collection[int]) -> tuple[dict[Queue, Count], dict[str, Count]]:
    """The hundred of each group that wait longest, those with an alert, and each whole group."""
    lines: dict[Queue, Count] = {}
    totals: dict[str, Count] = {}
    for group in GROUPS:
        total = queues().totals(group)
        totals[group] = minutes.count_of(total.waiting, total.oldest)
        page = queues().depths(group)
        if len(page) == MOST_READ:
            page += _beyond(page, group, alerted)
        for one in page:
            queue = Queue(organization_id=one.organization_id, group=group)
            lines[queue] = minutes.count_of(one.waiting, one.oldest)
    return lines, totals


def _beyond(page: list[Depth], group: str, alerted: Collection[int]) -> list[Depth]:
    listed = {one.organization_id for one in page}
    return [queues().depth(group, key) for key in alerted if key not in listed]
