"""What an explanation says, and what is known of a job's queue when one is asked for."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from uuid import UUID

from django.conf import settings

from jobs.broker.answers import Situation, Totals
from jobs.broker.errors import BrokerUnavailable
from jobs.ledger.controls import QueueControl
from jobs.ledger.models import Job, Worker
from jobs.ledger.publish import queues
from tenancy import clock
from tenancy.admin.names import names_of
from tenancy.admin.times import span


class Cause(StrEnum):
    """What keeps a job from running."""

    SCHEDULED = "scheduled"
    SUSPENDED = "organization_suspended"
    DRAINING = "draining"
    CAPACITY = "capacity"
    BREAKER = "breaker"
    PAUSED = "paused"
    REDIS_AWAY = "redis_away"
    UNPUBLISHED = "unpublished"
    LEASED = "leased"
    BACKING_OFF = "backing_off"
    NO_WORKER = "no_worker"
    AT_LIMIT = "at_limit"
    NO_TOKENS = "no_tokens"
    BEHIND_OWN = "behind_own"
    NEXT = "next"
    RUNNING = "running"
    WORKER_LOST = "worker_lost"
    SUCCEEDED = "succeeded"
    DEAD = "dead"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why a job, or a queue, does not run now.

    estimate: about how long until it starts; None where nobody can say.
    lift: the act on its queue that would lift it (`resume`, `limits`), if one would.
    jobs: those that it waits for, if it waits for jobs in particular.
    """

    cause: Cause
    sentence: str
    estimate: timedelta | None = None
    lift: str = ""
    jobs: list[UUID] = field(default_factory=list)


@dataclass(kw_only=True)
class View:
    """What is known of a job's queue; each part is read when the first cause asks for it."""

    organization_id: int
    group: str
    job: Job | None
    to_operator: bool
    now: datetime = field(default_factory=clock.now)

    @cached_property
    def control(self) -> QueueControl | None:
        """What an operator set."""
        mine = QueueControl.objects.filter(organization_id=self.organization_id)
        return mine.filter(queue_group=self.group).first()

    @cached_property
    def situation(self) -> Situation | None:
        """Where the message stands in Redis; None while Redis does not answer."""
        message_id = "" if self.job is None else str(self.job.pk)
        try:
            return queues().situation(self.group, self.organization_id, message_id)
        except BrokerUnavailable:
            return None

    @cached_property
    def totals(self) -> Totals | None:
        """How much waits in the whole group."""
        try:
            return queues().totals(self.group)
        except BrokerUnavailable:
            return None

    def is_alive(self, group: str) -> bool:
        """Whether a worker of the group (or the `scheduler`) was seen within the lease."""
        lease = timedelta(seconds=settings.JOBS_LEASE_SECONDS)
        alive = Worker.objects.filter(stopped_at=None, seen_at__gt=self.now - lease)
        return alive.filter(queue_groups__contains=[group]).exists()

    def by_whom(self) -> str:
        """Who last paused, drained or resumed the queue, when and why."""
        if self.control is None:
            return ""
        who = "an operator"
        if self.to_operator:
            actor = self.control.changed_by
            who = names_of([actor]).get(actor, actor)
        since = span(self.now - self.control.changed_at)
        return f"by {who} {since} ago: “{self.control.reason}”"

    def the_job(self) -> Job:
        """The job that is asked about."""
        assert self.job is not None
        return self.job

    def relay(self) -> str:
        """Who puts a job into its queue, and whether somebody is there to do it."""
        if self.is_alive("scheduler"):
            return "The scheduler puts it there within a second or two."
        start = ": start one with `manage.py scheduler`" if self.to_operator else ""
        return f"No scheduler is alive, which would put it there{start}."


def many(number: int, thing: str) -> str:
    return f"1 {thing}" if number == 1 else f"{number:,} {thing}s"


def moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
