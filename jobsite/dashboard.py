"""The first page: what is wrong, what waits, what died, who works. Each links to its list."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Count, Min, Q
from django.http import HttpRequest
from django.urls import reverse

from jobs.alerts.conditions import CONDITIONS, Kind
from jobs.alerts.states import AlertState
from jobs.alerts.words import now_of, sentence
from jobs.ledger.states import State
from jobs.models import Alert, DeadLetter, Job, QueueControl, Worker
from jobs.scheduler import SCHEDULER
from tenancy.access import Permission
from tenancy.admin.base import visible
from tenancy.admin.rights import rights_of
from tenancy.admin.times import lasting, span

LATELY = timedelta(hours=1)
ALERTS = 5  # on the page, so that the numbers stay in sight
LIVE = (State.SCHEDULED, State.QUEUED, State.RUNNING, State.RETRYING)


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One number.

    address: the list behind it. state: good, warning or danger; `note` says it in words.
    """

    title: str
    value: str
    note: str
    address: str
    state: str = "good"


@dataclass(frozen=True, kw_only=True)
class Line:
    """The live jobs of one queue group, by state, each with the list behind it."""

    group: str
    cells: list[tuple[int, str]]


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """An alert.

    lasts: how long it is open, or closed. now: whether what an open one is about still is. told:
    who knows, in words. address: its page.
    """

    what: str
    whose: str
    lasts: str
    now: str
    told: str
    address: str


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """How many organizations' queues of a group a person paused or drains, and which.

    whose: the organization, where it is one.
    """

    group: str
    whose: str
    paused: int
    draining: int
    address: str


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """All of the page, as of one moment.

    alerts: the worst first; all_alerts: the list with the others, empty where all are shown.
    closed: those that closed lately. stopped: queues that a person paused or drains.
    """

    as_of: datetime
    alerts: list[Trouble]
    all_alerts: str
    closed: list[Trouble]
    stopped: list[Stopped]
    tiles: list[Tile]
    states: list[str]
    lines: list[Line]

    @property
    def is_quiet(self) -> bool:
        """Whether nothing waits and nothing needs a person."""
        return not (self.lines or self.alerts or self.stopped) and all(
            tile.state == "good" for tile in self.tiles
        )


def of(request: HttpRequest) -> Numbers:
    """The numbers of the organizations that the person sees, and of nobody else."""
    now = datetime.now(UTC)
    tiles = []
    rights = rights_of(request)
    if rights.may(Permission.JOB_VIEW):
        tiles = [_oldest(request, now), _live(request), _dead(request, now)]
    if rights.is_operator:
        tiles.append(_workers(now))
    found = _open_alerts() if rights.is_operator else []
    return Numbers(
        as_of=now,
        alerts=[_trouble(alert) for alert in found[:ALERTS]],
        all_alerts=_list("jobs_alert") if len(found) > ALERTS else "",
        closed=[_trouble(alert) for alert in _closed_alerts(now)] if rights.is_operator else [],
        stopped=_stopped() if rights.is_operator else [],
        tiles=tiles,
        states=[state.label for state in LIVE],
        lines=_lines(request),
    )


def _open_alerts() -> list[Alert]:
    worst = {condition.kind: place for place, condition in enumerate(CONDITIONS)}
    found = Alert.objects.filter(state=AlertState.OPEN).select_related("organization")
    return sorted(found, key=lambda one: (worst[Kind(one.kind)], one.began_at))


def _closed_alerts(now: datetime) -> list[Alert]:
    lately = Alert.objects.filter(state=AlertState.CLOSED, closed_at__gt=now - LATELY)
    return list(lately.select_related("organization").order_by("-closed_at")[:ALERTS])


def _stopped() -> list[Stopped]:
    by_group = QueueControl.objects.filter(Q(is_paused=True) | Q(is_draining=True)).order_by()
    counts = by_group.values_list("queue_group").annotate(
        paused=Count("pk", filter=Q(is_paused=True)),
        draining=Count("pk", filter=Q(is_draining=True)),
        all=Count("pk"),
        first=Min("organization__name"),
    )
    return [
        Stopped(
            group=group,
            whose=first if count == 1 else "",
            paused=paused,
            draining=draining,
            address=_list("jobs_queuecontrol", group=group, show="set"),
        )
        for group, paused, draining, count, first in counts.order_by("queue_group")
    ]


def _trouble(alert: Alert) -> Trouble:
    if alert.tell_error:
        told = "nobody could be told so far" if not alert.told else "not everybody told so far"
    else:
        told = f"told: {', '.join(alert.told)}" if alert.told else "nobody is told"
    return Trouble(
        what=sentence(alert),
        whose=alert.organization.name if alert.organization else "",
        lasts=lasting(alert.closed_at or alert.began_at),
        now=now_of(alert),
        told=told,
        address=reverse("admin:jobs_alert_change", args=[alert.pk]),
    )


def _oldest(request: HttpRequest, now: datetime) -> Tile:
    waiting = _jobs(request).filter(state=State.QUEUED)
    since = waiting.aggregate(since=Min("run_at"))["since"]
    seconds = max(0, int((now - since).total_seconds())) if since else 0
    late = seconds > 300
    note = "late: something is stuck, or too few workers run" if late else "due and not yet started"
    return Tile(
        title="Oldest waiting",
        value=span(timedelta(seconds=seconds)) if since else "none",
        note=note if since else "nothing is due",
        address=_list("jobs_job", state=State.QUEUED, window="all"),
        state="danger" if late else "good",
    )


def _live(request: HttpRequest) -> Tile:
    count = _jobs(request).filter(state__in=LIVE).count()
    return Tile(
        title="Live jobs",
        value=f"{count:,}",
        note="scheduled, queued, running or retrying",
        address=_list("jobs_job", state="live", window="all"),
    )


def _dead(request: HttpRequest, now: datetime) -> Tile:
    letters = visible(request, DeadLetter, Permission.JOB_VIEW).filter(state="open")
    count = letters.count()
    recent = letters.filter(last_failed_at__gt=now - timedelta(hours=1)).count()
    return Tile(
        title="Dead letters",
        value=f"{count:,}",
        note=f"{recent:,} of them in the last hour" if count else "nothing needs a person",
        address=_list("jobs_deadletter"),
        state="warning" if count else "good",
    )


def _workers(now: datetime) -> Tile:
    seen = Worker.objects.exclude(queue_groups=[SCHEDULER]).filter(
        stopped_at=None, seen_at__gt=now - timedelta(seconds=settings.JOBS_LEASE_SECONDS)
    )
    alive = seen.count()
    return Tile(
        title="Workers",
        value=str(alive),
        note="seen within the lease" if alive else "none is alive: no job starts",
        address=_list("jobs_worker"),
        state="good" if alive else "danger",
    )


def _lines(request: HttpRequest) -> list[Line]:
    if not rights_of(request).may(Permission.JOB_VIEW):
        return []
    rows = _jobs(request).filter(state__in=LIVE).values_list("queue_group", "state")
    counts = {(group, state): n for group, state, n in rows.order_by().annotate(n=Count("pk"))}
    return [
        Line(
            group=group,
            cells=[
                (
                    counts.get((group, state), 0),
                    _list("jobs_job", group=group, state=state, window="all"),
                )
                for state in LIVE
            ],
        )
        for group in sorted({group for group, _ in counts})
    ]


def _jobs(request: HttpRequest) -> Any:
    return visible(request, Job, Permission.JOB_VIEW)


def _list(name: str, **query: str) -> str:
    address = reverse(f"admin:{name}_changelist")
    return f"{address}?{urlencode(query)}" if query else address
