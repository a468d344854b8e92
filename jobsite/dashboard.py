"""The numbers of the first page: what waits, what died, who works. Each links to its list."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Count, Min
from django.http import HttpRequest
from django.urls import reverse

from jobs.ledger.states import State
from jobs.models import DeadLetter, Job, Worker
from jobs.scheduler import SCHEDULER
from tenancy.access import Permission
from tenancy.admin.base import visible
from tenancy.admin.rights import rights_of
from tenancy.admin.times import span

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
class Numbers:
    """All of the page, as of one moment."""

    as_of: datetime
    tiles: list[Tile]
    states: list[str]
    lines: list[Line]

    @property
    def is_quiet(self) -> bool:
        """Whether nothing waits and nothing needs a person."""
        return not self.lines and all(tile.state == "good" for tile in self.tiles)


def of(request: HttpRequest) -> Numbers:
    """The numbers of the organizations that the person sees, and of nobody else."""
    now = datetime.now(UTC)
    tiles = []
    rights = rights_of(request)
    if rights.may(Permission.JOB_VIEW):
        tiles = [_oldest(request, now), _live(request), _dead(request, now)]
    if rights.is_operator:
        tiles.append(_workers(now))
    lines = _lines(request)
    states = [state.label for state in LIVE]
    return Numbers(as_of=now, tiles=tiles, states=states, lines=lines)


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
