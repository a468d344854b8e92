"""What is wrong in the picture of one minute. Pure: the same recorded curves go through here and
through Prometheus, whose rules (deploy/prometheus/jobs.rules.yml) say the same.

A window of time is part of its condition; how long the whole must hold comes on top of that
(`Condition.for_minutes`) and is counted by `states`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import TextChoices

GROWTH_MINUTES = 10
GROWTH_OLDEST_SECONDS = 300
FAILURE_MINUTES = 5
FAILURE_ATTEMPTS = 20
FAILURE_SHARE = 0.5
RELAY_SECONDS = 60


class Kind(TextChoices):
    """What can be wrong."""

    QUEUE_GROWS = "queue_grows", "Queue grows"
    JOBS_FAIL = "jobs_fail", "Jobs fail"
    OLDEST_TOO_OLD = "oldest_too_old", "Oldest job too old"
    NO_WORKER = "no_worker", "No worker"
    RELAY_BEHIND = "relay_behind", "Relay behind"


@dataclass(frozen=True, kw_only=True)
class Queue:
    """One organization's line of one group; without an organization, the whole group."""

    organization_id: int | None
    group: str


@dataclass(frozen=True, kw_only=True)
class Count:
    """One minute of one queue.

    depth, oldest_seconds: what was due and waited at the end of the minute, and the age of the
    first of it. attempts: those that ended within the minute, so many of them failed, so many
    succeeded. retried, dead: the failed ones, by what followed. A lost worker is a failure.
    """

    depth: int = 0
    oldest_seconds: float = 0
    attempts: int = 0
    failed: int = 0
    succeeded: int = 0
    retried: int = 0
    dead: int = 0


Minute = Mapping[Queue, Count]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """What is known at the end of a minute.

    now: its counts. past: those of the minutes before, the latest first, an empty one where none
    were taken. workers: alive, by group. relay_seconds: for how long the oldest job that ought to
    be in Redis is not. oldest_allowed: seconds, by group. sees_queues: False when Redis did not
    answer; then nothing is said about what waits.
    """

    now: Minute
    past: Sequence[Minute]
    workers: Mapping[str, int]
    relay_seconds: float
    oldest_allowed: Mapping[str, int]
    sees_queues: bool = True


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What an alert is about: there is one live alert of each at most."""

    kind: Kind
    organization_id: int | None = None
    group: str = ""


Finding = tuple[Subject, float]


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One of them.

    for_minutes: how long it must hold before an alert opens; 0 opens at once. find: the subjects
    for which it holds, each with the value that it is shown by.
    """

    kind: Kind
    for_minutes: int
    find: Callable[[Picture], Iterator[Finding]]
    reads_queues: bool = False


def judge(picture: Picture) -> dict[Subject, float]:
    """Everything that is wrong now, with its value."""
    return {
        subject: value
        for condition in judged(picture)
        for subject, value in condition.find(picture)
    }


def judged(picture: Picture) -> list[Condition]:
    """The conditions of which this picture tells anything."""
    return [one for one in CONDITIONS if picture.sees_queues or not one.reads_queues]


def _queues_that_grow(picture: Picture) -> Iterator[Finding]:
    """More waits than ten minutes ago, when something waited already, and its oldest is old.

    Who had nothing in line then has a peak, not a growth; and a line that gets shorter is none.
    """
    before = picture.past[GROWTH_MINUTES - 1] if len(picture.past) >= GROWTH_MINUTES else {}
    for queue, count in picture.now.items():
        if queue.organization_id is None or count.oldest_seconds <= GROWTH_OLDEST_SECONDS:
            continue
        if 0 < before.get(queue, Count()).depth < count.depth:
            yield _of(Kind.QUEUE_GROWS, queue), count.depth


def _organizations_that_fail(picture: Picture) -> Iterator[Finding]:
    for organization_id, (attempts, failed) in recent_attempts(picture.now, picture.past).items():
        if attempts >= FAILURE_ATTEMPTS and failed >= FAILURE_SHARE * attempts:
            subject = Subject(kind=Kind.JOBS_FAIL, organization_id=organization_id)
            yield subject, failed / attempts


def _groups_that_wait(picture: Picture) -> Iterator[Finding]:
    for queue, count in picture.now.items():
        allowed = picture.oldest_allowed.get(queue.group)
        if queue.organization_id is None and allowed and count.oldest_seconds > allowed:
            yield _of(Kind.OLDEST_TOO_OLD, queue), count.oldest_seconds


def _groups_without_worker(picture: Picture) -> Iterator[Finding]:
    """Whether or not something waits: who hears of it with the first job hears of it too late."""
    for group, alive in picture.workers.items():
        if not alive:
            yield Subject(kind=Kind.NO_WORKER, group=group), 0


def _a_relay_behind(picture: Picture) -> Iterator[Finding]:
    if picture.relay_seconds > RELAY_SECONDS:
        yield Subject(kind=Kind.RELAY_BEHIND), picture.relay_seconds


CONDITIONS = (
    Condition(kind=Kind.NO_WORKER, for_minutes=2, find=_groups_without_worker),
    Condition(kind=Kind.RELAY_BEHIND, for_minutes=1, find=_a_relay_behind),
    Condition(kind=Kind.OLDEST_TOO_OLD, for_minutes=1, find=_groups_that_wait, reads_queues=True),
    Condition(kind=Kind.JOBS_FAIL, for_minutes=0, find=_organizations_that_fail),
    Condition(kind=Kind.QUEUE_GROWS, for_minutes=2, find=_queues_that_grow, reads_queues=True),
)
"""The worst first: in this order alerts are shown."""


def recent_attempts(now: Minute, past: Sequence[Minute]) -> dict[int, tuple[int, int]]:
    """Attempts and failed ones of the last five minutes, by organization."""
    totals: defaultdict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for minute in (now, *past[: FAILURE_MINUTES - 1]):
        for queue, count in minute.items():
            if queue.organization_id is not None and count.attempts:
                attempts, failed = totals[queue.organization_id]
                totals[queue.organization_id] = attempts + count.attempts, failed + count.failed
    return dict(totals)


def _of(kind: Kind, queue: Queue) -> Subject:
    return Subject(kind=kind, organization_id=queue.organization_id, group=queue.group)
