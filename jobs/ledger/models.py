"""The tables of the ledger.

`Job` is the truth about every job; `Attempt` tells each execution, `DeadLetter` each death,
`IdempotencyKey` outlives the job it names, `Worker` says who is alive. The column `Job.state` is
written by `transitions`, `enqueue` and `relay` only.
"""

from datetime import datetime
from typing import Any, ClassVar, cast

from django.db import models
from django.db.models import Q
from django.db.models.functions import UUID7, Now

from jobs.ledger.states import FINAL, EffectState, Hold, Reason, State
from tenancy.entities import TenantModel
from tenancy.rls import TenantForeignKey


def _owner() -> Any:
    """The organization of a row that is written with every job, whose key is not checked again.

    PostgreSQL would ask for it row by row, 4 µs each. Row security lets in none but those of the
    scope; `enqueue.sql` writes no key and no job for one that does not exist, and an attempt's job
    names its organization. Organizations that have rows are protected all the same.
    """
    return models.ForeignKey(
        "tenancy.Organization",
        models.PROTECT,
        related_name="+",
        editable=False,
        db_index=False,
        db_constraint=False,
    )


class Job(TenantModel):
    """One unit of work of one organization."""

    organization = _owner()
    id = models.UUIDField(primary_key=True, db_default=UUID7(), editable=False)
    # No index: projects are archived, not deleted, and no page lists jobs by project.
    project = TenantForeignKey(
        "tenancy.Project", models.PROTECT, null=True, related_name="+", db_index=False
    )
    job_type = models.CharField(max_length=64)
    queue_group = models.CharField(max_length=32)
    payload = models.JSONField()
    entity_type = models.CharField(max_length=32)
    entity_id = models.CharField(max_length=64)
    correlation_id = models.CharField(max_length=128)
    actor_id = models.CharField(max_length=64)
    caused_by = models.UUIDField(null=True)

    state = models.CharField(max_length=16, choices=State)
    hold = models.CharField(max_length=32, choices=Hold, null=True)
    breaker_id = models.BigIntegerField(null=True)  # which one it waits for, while it is held so
    reason = models.CharField(max_length=64, blank=True, default="")
    fence = models.BigIntegerField(default=0)
    attempt = models.IntegerField(default=0)
    max_attempts = models.IntegerField()
    losses = models.IntegerField(default=0)
    policy_version = models.CharField(max_length=12)
    worker_id = models.CharField(max_length=128, blank=True, default="")

    created_at = models.DateTimeField(db_default=Now())
    run_at = models.DateTimeField(db_default=Now())
    published_at = models.DateTimeField(null=True)
    claimed_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)

    effect_id = models.CharField(max_length=64, blank=True, default="")
    effect_state = models.CharField(
        max_length=16, choices=EffectState, default=EffectState.NOT_BEGUN
    )
    error_class = models.CharField(max_length=200, blank=True, default="")
    error_message = models.TextField(blank=True, default="")

    class Meta:
        ordering = ("-id",)
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                condition=Q(state__in=FINAL, finished_at__isnull=False)
                | (~Q(state__in=FINAL) & Q(finished_at__isnull=True)),
                name="job_is_final_exactly_when_finished",
            ),
            models.CheckConstraint(
                condition=~Q(state=State.RUNNING) | ~Q(worker_id=""), name="job_runs_somewhere"
            ),
            models.CheckConstraint(
                condition=Q(hold__isnull=True) | Q(state=State.SCHEDULED),
                name="job_is_held_only_while_scheduled",
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            # the job list, by state, by organization, by group: newest first, without the finished
            models.Index(
                fields=["state", "-id"], name="job_by_state", condition=~Q(state="succeeded")
            ),
            models.Index(
                fields=["organization", "state", "-id"],
                name="job_by_organization",
                condition=~Q(state="succeeded"),
            ),
            models.Index(
                fields=["queue_group", "state", "-id"],
                name="job_by_group",
                condition=~Q(state="succeeded"),
            ),
            # of one organization, all states: the table's UNIQUE (organization_id, id), backwards
            # the cause chain, and the search by correlation id, which an operator makes over all
            models.Index(fields=["correlation_id", "organization"], name="job_by_correlation"),
            # a breaker's held jobs, oldest first
            models.Index(
                fields=["organization", "breaker_id", "id"],
                name="job_behind_breaker",
                condition=Q(hold="breaker"),
            ),
            # relay: what is due, what was never published
            models.Index(
                fields=["run_at"], name="job_due", condition=Q(state="scheduled", hold=None)
            ),
            # relay: what is held, by what it waits for, in the order in which it goes on
            models.Index(
                fields=["organization", "hold", "queue_group", "id"],
                name="job_held",
                condition=Q(hold__isnull=False),
            ),
            models.Index(
                fields=["created_at"],
                name="job_unpublished",
                condition=Q(state="queued", published_at=None),
            ),
            # sweep and recovery: everything that Redis ought to know
            models.Index(
                fields=["id"],
                name="job_in_line",
                condition=Q(state__in=["queued", "retrying", "running"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job_type} {self.pk}"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens to it by itself."""
        return self.state in FINAL


class IdempotencyKey(TenantModel):
    """A key that was enqueued, and the job it made: narrow, and kept longer than the job."""

    organization = _owner()
    key = models.BinaryField(max_length=32)
    job_id = models.UUIDField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["organization", "key"], name="idempotencykey_once"),
        ]

    def __str__(self) -> str:
        return bytes(self.key).hex()


class AttemptOutcome(models.TextChoices):
    """How an execution ended; `lost` when its worker died, `released` when it was given back.

    One whose worker died before it is known to have started was given back, too: it counts nowhere.
    """

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    RELEASED = "released"
    LOST = "lost"
    CANCELLED = "cancelled"


class Attempt(TenantModel):
    """One execution of a job, under one fence; written when it ends."""

    organization = _owner()
    # Always asked for with its organization: the unique key below serves that.
    job = TenantForeignKey(Job, models.CASCADE, related_name="attempts", db_index=False)
    number = models.IntegerField()
    fence = models.BigIntegerField()
    worker_id = models.CharField(max_length=128)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=16, choices=AttemptOutcome, blank=True, default="")
    error_class = models.CharField(max_length=200, blank=True, default="")
    error_message = models.TextField(blank=True, default="")
    error_frame = models.CharField(max_length=300, blank=True, default="")
    traceback = models.TextField(blank=True, default="")
    traceback_digest = models.CharField(max_length=16, blank=True, default="")
    retry_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("fence",)
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["organization", "job", "fence"], name="attempt_once_per_fence"
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            # what was lost with a worker: its page
            models.Index(fields=["worker_id"], name="attempt_lost", condition=Q(outcome="lost")),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.job_id}"

    @classmethod
    def of(cls, job: Job) -> "list[Attempt]":
        """All of a job, the one that is under way included: its row is written when it ends."""
        told: list[Attempt] = list(cls.objects.filter(organization_id=job.organization_id, job=job))
        if job.state == State.RUNNING:
            told.append(cls.under_way(job))
        return told

    @classmethod
    def under_way(cls, job: Job) -> "Attempt":
        """The attempt that a running job is in, unsaved."""
        return cls(
            organization_id=job.organization_id,
            job=job,
            number=job.attempt,
            fence=job.fence,
            worker_id=job.worker_id,
            started_at=cast(datetime, job.started_at or job.claimed_at),
        )


class DeadLetterState(models.TextChoices):
    """`open` until a person replays or discards it."""

    OPEN = "open"
    REPLAYED = "replayed"
    DISCARDED = "discarded"


class DeadLetter(TenantModel):
    """A job, or a message that names none, that needs a person.

    organization is empty for a message whose queue belongs to nobody: operators see it.
    """

    organization = models.ForeignKey(  # type: ignore[assignment]
        "tenancy.Organization", models.PROTECT, null=True, related_name="+", db_index=False
    )
    job = TenantForeignKey(Job, models.CASCADE, null=True, related_name="dead_letters")
    job_type = models.CharField(max_length=64, blank=True, default="")
    queue_group = models.CharField(max_length=32)
    reason = models.CharField(max_length=64, choices=Reason)
    error_class = models.CharField(max_length=200, blank=True, default="")
    error_message = models.TextField(blank=True, default="")
    error_frame = models.CharField(max_length=300, blank=True, default="")
    attempt = models.IntegerField(default=0)
    worker_id = models.CharField(max_length=128, blank=True, default="")
    first_failed_at = models.DateTimeField()
    last_failed_at = models.DateTimeField(db_default=Now())
    raw = models.BinaryField(null=True)
    fingerprint = models.CharField(max_length=64)

    state = models.CharField(max_length=16, choices=DeadLetterState, default=DeadLetterState.OPEN)
    handled_at = models.DateTimeField(null=True)
    handled_by = models.CharField(max_length=64, blank=True, default="")
    handled_reason = models.TextField(blank=True, default="")

    class Meta:
        ordering = ("-id",)
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["organization", "job"],
                condition=Q(state="open"),
                name="deadletter_open_once_per_job",
            ),
            # The composite key to the job is not checked where the organization is empty.
            models.CheckConstraint(
                condition=Q(organization__isnull=False) | Q(job__isnull=True),
                name="deadletter_with_a_job_has_its_organization",
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["state", "-id"], name="deadletter_by_state"),
            models.Index(
                fields=["organization", "state", "-id"], name="deadletter_of_organization"
            ),
            models.Index(
                fields=["fingerprint", "organization", "-id"],
                name="deadletter_by_fingerprint",
                condition=Q(state="open"),
            ),
            # retention: handled ones that no job takes with it
            models.Index(
                fields=["handled_at"],
                name="deadletter_handled",
                condition=Q(job__isnull=True) & ~Q(state="open"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reason.replace('_', ' ')} {self.job_type}".strip()


class Worker(models.Model):
    """A worker process; its jobs' claims are live while it was seen within the lease."""

    id = models.CharField(max_length=128, primary_key=True)
    host = models.CharField(max_length=200)
    pid = models.IntegerField()
    queue_groups = models.JSONField()
    version = models.CharField(max_length=64, blank=True, default="")
    started_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())
    stopped_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-seen_at",)

    def __str__(self) -> str:
        return self.id
