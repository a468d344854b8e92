"""The counts of each minute, by organization and queue group: what waited, and how it ended.

A row of an organization is written when something waited or ended, at most a thousand a minute: the
rest is in the row of the whole group, which is written every minute and has no organization. So a
minute without a group's row was not counted, and one without an organization's row brought nothing
worth a row. When there are more than a thousand, `keep` says which stay.

Kept for MINUTE_COUNTS_HOURS.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

from jobs.alerts.conditions import Count, Minute, Queue
from jobs.alerts.models import MinuteCount
from jobs.broker.answers import Depth
from jobs.broker.queues import MOST_READ
from jobs.job_types import GROUPS
from jobs.ledger import figures
from jobs.ledger.publish import queues
from tenancy.models import Organization

MINUTE = timedelta(minutes=1)
GRACE = timedelta(seconds=2)  # for the commits of attempts that ended within the minute
MOST_ROWS = 1000
MOST_REMOVED = 5000  # a minute; more than it can bring


def last_full() -> datetime:
    """The beginning of the last minute that is over, by PostgreSQL's clock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT date_trunc('minute', clock_timestamp() - make_interval(secs => %s))"
            " - interval '1 minute'",
            [GRACE.total_seconds()],
        )
        [minute] = cursor.fetchone() or [None]
    assert isinstance(minute, datetime)
    return minute


def is_counted(minute: datetime) -> bool:
    """Whether a scheduler has done it."""
    return MinuteCount.objects.filter(organization=None, minute=minute).exists()


# Take


def waiting() -> dict[Queue, Count]:
    """What waits in Redis now: of every organization, and of each group. Raises BrokerUnavailable.

    A call for each hundred organizations that have something waiting.
    """
    found: dict[Queue, Count] = {}
    for group in GROUPS:
        totals = queues().totals(group)
        found[Queue(organization_id=None, group=group)] = count_of(totals.waiting, totals.oldest)
        for one in _everyone(group):
            if one.organization_id is not None:
                queue = Queue(organization_id=one.organization_id, group=group)
                found[queue] = count_of(one.waiting, one.oldest)
    return found


def _everyone(group: str) -> Iterator[Depth]:
    """A page that is not full is the last: what arrives meanwhile is of the next minute."""
    page = queues().depths(group)
    yield from page
    while len(page) == MOST_READ:
        page = queues().depths(group, after=page[-1])
        yield from page


def with_finished(waiting: Minute, minute: datetime) -> dict[Queue, Count]:
    """The same with what ended within the minute; each group has a row, whatever happened."""
    counts = {Queue(organization_id=None, group=group): Count() for group in GROUPS} | dict(waiting)
    ended: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in figures.finished(minute, minute + MINUTE):
        group = row.pop("queue_group")
        queue = Queue(organization_id=row.pop("organization_id"), group=group)
        counts[queue] = replace(counts.get(queue, Count()), **row)
        for name, number in row.items():
            ended[group][name] += number
    for group, numbers in ended.items():
        queue = Queue(organization_id=None, group=group)
        counts[queue] = replace(counts.get(queue, Count()), **numbers)
    return counts


def keep(
    counts: Minute, alerted: Collection[int] = (), most: int = MOST_ROWS
) -> dict[Queue, Count]:
    """Those that get a row: every group, and of the organizations those that worsen first.

    Half of the places go to who waits longest, then has most waiting; half to who failed most
    often, then had most attempts. Organizations with a live alert come first in both.
    """
    groups = {queue: count for queue, count in counts.items() if queue.organization_id is None}
    queues = [queue for queue in counts if queue.organization_id is not None]

    def worst_waiting(queue: Queue) -> tuple[bool, float, int]:
        count = counts[queue]
        return queue.organization_id not in alerted, -count.oldest_seconds, -count.depth

    def worst_ended(queue: Queue) -> tuple[bool, int, int]:
        count = counts[queue]
        return queue.organization_id not in alerted, -count.failed, -count.attempts

    kept = dict.fromkeys(sorted(queues, key=worst_waiting)[: most // 2])
    kept |= dict.fromkeys(sorted(queues, key=worst_ended)[: most // 2])
    return groups | {queue: counts[queue] for queue in kept}


# Write and read, in the engine's scope and a transaction


def write(counts: Minute, minute: datetime) -> None:
    """Put a minute down. Redis may name an organization that does not exist: it gets no row."""
    known = existing(queue.organization_id for queue in counts)
    MinuteCount.objects.bulk_create(
        MinuteCount(
            organization_id=queue.organization_id,
            queue_group=queue.group,
            minute=minute,
            **asdict(count),
        )
        for queue, count in counts.items()
        if queue.organization_id is None or queue.organization_id in known
    )


def read(minute: datetime, length: int) -> list[dict[Queue, Count]]:
    """The minutes before this one, the latest first; an empty one for each that was not counted."""
    past: list[dict[Queue, Count]] = [{} for _ in range(length)]
    rows = MinuteCount.objects.filter(minute__gte=minute - length * MINUTE, minute__lt=minute)
    names = list(asdict(Count()))
    for at, organization_id, group, *numbers in rows.values_list(
        "minute", "organization_id", "queue_group", *names
    ):
        queue = Queue(organization_id=organization_id, group=group)
        past[(minute - at) // MINUTE - 1][queue] = Count(**dict(zip(names, numbers, strict=True)))
    return past


def series(
    organization_id: int | None, groups: Sequence[str], since: datetime
) -> list[MinuteCount]:
    """The minutes of an organization, or of whole groups, in their order; for charts.

    In a scope that may see them: the organization's own, or an operator's.
    """
    rows = MinuteCount.objects.filter(
        organization=organization_id, queue_group__in=groups, minute__gte=since
    )
    return list(rows.order_by("minute", "queue_group"))


def remove_old(now: datetime) -> int:
    """Forget what is older than MINUTE_COUNTS_HOURS; returns how many rows."""
    before = now - timedelta(hours=settings.MINUTE_COUNTS_HOURS)
    old = MinuteCount.objects.filter(minute__lt=before).order_by("minute")[:MOST_REMOVED]
    return MinuteCount.objects.filter(pk__in=old.values("pk"))._raw_delete("default")


def existing(organization_ids: Iterable[int | None]) -> set[int]:
    """Those of the organizations that there are."""
    wanted = {one for one in organization_ids if one is not None}
    return set(Organization.objects.filter(pk__in=wanted).values_list("pk", flat=True))


def count_of(depth: int, oldest: timedelta | None) -> Count:
    """What waits, as Redis tells it."""
    return Count(depth=depth, oldest_seconds=max(oldest.total_seconds(), 0) if oldest else 0)
