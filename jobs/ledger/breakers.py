"""Breakers: a destination that fails again and again gets a rest, and then one job tries.

One for each organization, job type and destination (`JobType.breaker`, `JobType.destination`).
Closed, it counts failures in a row that are outages of the destination, as the declaration lists
them. At the threshold it opens: jobs for that destination are held in the ledger, their attempt
uncounted. When its time is over one job tries (the *probe*); only that one's failure counts, and
opens it for twice as long. When it succeeds the held ones go on, twice as many each second.

Shared by all workers, each of which asks and tells it in `jobs.execution.guard`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import models, transaction
from django.db.models.functions import Now

from audit.record import record
from jobs.ledger.statements import run
from tenancy.entities import TenantModel
from tenancy.scope import engine_scope

MOST = 100  # breakers in one step of the scheduler
FASTEST = 500  # jobs of one breaker in one step
PATIENCE = timedelta(minutes=10)  # until a probe that was let go counts as lost
QUIET = timedelta(days=7)  # after which nobody remembers a failure


class Breaker(TenantModel):
    """A destination of an organization's jobs of one type that has failed lately.

    A row begins with the first failure and goes some time after the last held job went on.

    failures: in a row. openings: how often it has opened since it was last whole. open_until: empty
    while it is closed; once it has passed, one job may try. probe_job_id: the job that does, until
    `probe_until`. pace: how many of those that it held go on in the next step. failing_since: the
    first failure of this row. stepped_at: when the scheduler looked at it last.
    """

    job_type = models.CharField(max_length=64)
    destination = models.CharField(max_length=200, blank=True, default="")
    failures = models.IntegerField(default=0)
    openings = models.IntegerField(default=0)
    open_until = models.DateTimeField(null=True)
    probe_job_id = models.UUIDField(null=True)
    probe_until = models.DateTimeField(null=True)
    pace = models.IntegerField(default=1)
    failing_since = models.DateTimeField(db_default=Now())
    failed_at = models.DateTimeField(db_default=Now())
    stepped_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("-pk",)
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["organization", "job_type", "destination"], name="breaker_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job_type} {self.destination}".strip()


@dataclass(frozen=True, kw_only=True)
class Key:
    """What a breaker is for."""

    organization_id: int
    job_type: str
    destination: str

    @property
    def columns(self) -> dict[str, Any]:
        """As the statements take it."""
        return {
            "organization_id": self.organization_id,
            "job_type": self.job_type,
            "destination": self.destination,
        }


@dataclass(frozen=True, kw_only=True)
class BreakerState:
    """What is known of a destination that has failed lately.

    failures: in a row. open_until: when the next job may try; None: closed. probe_job_id: the job
    that tries now. failing_since: the first of the failures.
    """

    key: Key
    failures: int
    open_until: datetime | None
    probe_job_id: Any
    failing_since: datetime

    @property
    def is_open(self) -> bool:
        """Whether jobs are held."""
        return self.open_until is not None


def state_of(key: Key) -> BreakerState | None:
    """Of one destination, in its organization's scope; None while nothing is wrong."""
    found = Breaker.objects.filter(**key.columns).first()
    if found is None:
        return None
    return BreakerState(
        key=key,
        failures=found.failures,
        open_until=found.open_until,
        probe_job_id=found.probe_job_id,
        failing_since=found.failing_since,
    )


def close(key: Key, *, reason: str) -> bool:
    """Let its jobs go on, paced, whatever it knows; False when it was not open. Audited.

    Needs a transaction in the organization's scope; the caller has asked whether the person may.
    """
    found = run("breaker_close", key.columns)
    if not found:
        return False
    record(
        "breaker.closed",
        ("breaker", found[0]["id"]),
        organization_id=key.organization_id,
        detail={"job_type": key.job_type, "destination": key.destination, "reason": reason},
    )
    return True


def step() -> int:
    """The scheduler's part, each second: probes go out, what closed ones held goes on, paced.

    Returns how many jobs go on.
    """
    with engine_scope(), transaction.atomic():
        gone_on = run("breaker_probe", {"limit": MOST, "patience": PATIENCE})
        gone_on += run("breaker_drain", {"limit": MOST, "fastest": FASTEST})
        run("breaker_forget", {"limit": MOST, "quiet": QUIET})
    return len(gone_on)
