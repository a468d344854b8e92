"""Recorded curves: what was seen minute by minute, and which alerts must come of it, and when.

One set for both judges: `tests/unit/jobs/alerts/test_curves.py` feeds them to the conditions of the
scheduler, `tests/integration/deploy/test_rules.py` as the metrics that /metrics would have shown to
Prometheus' rules.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from jobs.alerts.conditions import (
    GROWTH_MINUTES,
    Count,
    Kind,
    Picture,
    Queue,
    Subject,
    judge,
    judged,
)
from jobs.alerts.minutes import keep
from jobs.alerts.states import AlertState, Step, follow
from jobs.job_types import GROUPS

ALLOWED = {"notifications": 600, "indexing": 900, "backfill": 3600, "audit": 3600}
EVERYBODY = dict.fromkeys(GROUPS, 2)
MINUTES = 45

Lines = Mapping[Queue, Count]


@dataclass(frozen=True, kw_only=True)
class Life:
    """An alert that must come: open from this minute, and from that one closed."""

    subject: Subject
    opens: int
    closes: int


@dataclass(frozen=True, kw_only=True)
class Curve:
    """What was seen at the end of each minute, from 0 to 44; `lines` without the whole groups."""

    name: str
    lives: list[Life] = field(default_factory=list)
    lines: Callable[[int], Lines] = lambda minute: {}
    workers: Callable[[int], Mapping[str, int]] = lambda minute: EVERYBODY
    relay_seconds: Callable[[int], float] = lambda minute: 0.2

    def totals(self, minute: int) -> dict[str, Count]:
        """The whole groups."""
        found = dict.fromkeys(GROUPS, Count())
        for queue, count in self.lines(minute).items():
            sofar = found[queue.group]
            found[queue.group] = Count(
                depth=sofar.depth + count.depth,
                oldest_seconds=max(sofar.oldest_seconds, count.oldest_seconds),
                attempts=sofar.attempts + count.attempts,
                failed=sofar.failed + count.failed,
            )
        return found


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A minute as the scheduler judges it: the picture, and what is pending or open after it."""

    minute: int
    picture: Picture
    live: dict[Subject, Step]

    @property
    def open(self) -> set[Subject]:
        return {one for one, step in self.live.items() if step.state == AlertState.OPEN}

    @property
    def alerted(self) -> set[int]:
        return {one.organization_id for one in self.live if one.organization_id is not None}


def judge_all(curve: Curve) -> Iterator[Judged]:
    """Minute by minute, with nothing remembered but the rows that the table keeps."""
    live: dict[Subject, Step] = {}
    past: list[Mapping[Queue, Count]] = []
    for minute in range(MINUTES):
        groups = {
            Queue(organization_id=None, group=group): count
            for group, count in curve.totals(minute).items()
        }
        picture = Picture(
            now=groups | dict(curve.lines(minute)),
            past=past,
            workers=curve.workers(minute),
            relay_seconds=curve.relay_seconds(minute),
            oldest_allowed=ALLOWED,
        )
        steps = live | follow(live, judge(picture), judged(picture))
        live = {one: step for one, step in steps.items() if step and step.state != "closed"}
        now = Judged(minute=minute, picture=picture, live=live)
        past = [keep(picture.now, now.alerted), *past][:GROWTH_MINUTES]
        yield now


def queue(organization_id: int, group: str) -> Queue:
    return Queue(organization_id=organization_id, group=group)


# Peaks, which stay quiet


def _short_peak(minute: int) -> Lines:
    """A thousand at once, done in nine minutes."""
    if not 15 <= minute < 24:
        return {}
    passed = minute - 15
    return {queue(7, "notifications"): Count(depth=1000 - 110 * passed, oldest_seconds=60 * passed)}


def _long_peak(minute: int) -> Lines:
    """So many that they take half an hour, and get fewer all the time."""
    if not 5 <= minute < 35:
        return {}
    passed = minute - 5
    count = Count(depth=30_000 - 1000 * passed, oldest_seconds=60 * passed)
    return {queue(7, "backfill"): count}


# Growth


def _small_among_many(minute: int) -> Lines:
    """Ten thousand have a little waiting for seconds; one gets three jobs a minute too many."""
    chance = random.Random(minute)
    lines = {
        queue(number, "backfill"): Count(
            depth=chance.randrange(1, 50), oldest_seconds=chance.uniform(0, 20)
        )
        for number in range(10_000)
        if chance.random() < 0.9
    }
    lines.pop(queue(4242, "backfill"), None)
    if 12 <= minute < 35:
        passed = minute - 12
        count = Count(depth=3 + 3 * passed, oldest_seconds=30 + 60 * passed)
        lines[queue(4242, "backfill")] = count
    return lines


# Failures


def _failures(minute: int) -> Lines:
    """Four of five fail for five minutes; another fails always, and seldom tries."""
    failed = 4 if 10 <= minute < 15 else 0
    return {
        queue(9, "notifications"): Count(attempts=3, failed=min(failed, 3)),
        queue(9, "indexing"): Count(attempts=2, failed=failed - min(failed, 3)),
        queue(10, "notifications"): Count(attempts=3, failed=3),
    }


# Age


def _too_old(minute: int) -> Lines:
    """Five jobs that nobody takes."""
    if not 4 <= minute < 20:
        return {}
    return {queue(7, "notifications"): Count(depth=5, oldest_seconds=60 * (minute - 4))}


def _no_worker(minute: int) -> Mapping[str, int]:
    """Away for a deploy of two minutes, then for eleven."""
    is_away = minute in (5, 6) or 20 <= minute < 31
    return EVERYBODY | {"audit": 0 if is_away else 1}


def _relay(minute: int) -> float:
    return {10: 30, 11: 60, 12: 90, 13: 150, 14: 210}.get(minute, 0.5)


def _relay_in_waves(minute: int) -> float:
    return 100 if minute in (10, 11, 16) else 0.5


CURVES = [
    Curve(name="nothing happens"),
    Curve(name="a short peak", lines=_short_peak),
    Curve(name="a long peak that drains", lines=_long_peak),
    Curve(
        name="a small one grows among ten thousand",
        lines=_small_among_many,
        lives=[
            Life(
                subject=Subject(kind=Kind.QUEUE_GROWS, organization_id=4242, group="backfill"),
                opens=24,
                closes=40,
            )
        ],
    ),
    Curve(
        name="attempts of one organization fail",
        lines=_failures,
        lives=[
            Life(subject=Subject(kind=Kind.JOBS_FAIL, organization_id=9), opens=13, closes=21),
        ],
    ),
    Curve(
        name="the oldest gets too old",
        lines=_too_old,
        lives=[
            Life(
                subject=Subject(kind=Kind.OLDEST_TOO_OLD, group="notifications"),
                opens=16,
                closes=25,
            )
        ],
    ),
    Curve(
        name="no worker",
        workers=_no_worker,
        lives=[Life(subject=Subject(kind=Kind.NO_WORKER, group="audit"), opens=22, closes=36)],
    ),
    Curve(
        name="the relay is behind",
        relay_seconds=_relay,
        lives=[Life(subject=Subject(kind=Kind.RELAY_BEHIND), opens=13, closes=20)],
    ),
    Curve(
        name="the relay is behind in waves",
        relay_seconds=_relay_in_waves,
        lives=[Life(subject=Subject(kind=Kind.RELAY_BEHIND), opens=11, closes=22)],
    ),
]
