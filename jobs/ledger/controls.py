"""What an organization may take of a queue group, as people set it; `control_copy` tells Redis."""

from functools import reduce
from operator import or_
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tenancy.entities import TenantModel

LEAST_WEIGHT, MOST_WEIGHT = 0.01, 100.0


class QueueControls(models.QuerySet["QueueControl"]):
    """Rows of controls."""

    def in_force(self) -> Self:
        """Those that differ from having none."""
        numbers = ("concurrency_limit", "rate_per_second", "capacity")
        limited = [Q(**{f"{name}__isnull": False}) for name in numbers]
        state = Q(is_paused=True) | Q(is_draining=True)
        return self.filter(reduce(or_, limited, state | ~Q(weight=1)))


class QueueControl(TenantModel):
    """Of one organization's queue in one group; where there is no row, everything is as declared.

    is_paused: nothing of it starts, until `paused_until` if that is given.
    is_draining: what waits runs, and new jobs are held in the ledger.
    reason, changed_by, changed_at: of the last pause, drain or resume. Who set the numbers, and
        why, is in the audit log.
    weight: its share of worker time, beside the 1 of the others. concurrency_limit: how many of its
        jobs may be with workers at once. rate_per_second, burst: how many may start a second, and
        how many at once after a rest. capacity: how many may wait. Empty: no limit.
    """

    queue_group = models.CharField(max_length=32)

    is_paused = models.BooleanField(default=False)
    is_draining = models.BooleanField(default=False)
    paused_until = models.DateTimeField(null=True)
    reason = models.TextField(blank=True, default="")
    changed_by = models.CharField(max_length=64, blank=True, default="")
    changed_at = models.DateTimeField(db_default=Now())

    weight = models.FloatField(default=1.0)
    concurrency_limit = models.PositiveIntegerField(null=True)
    rate_per_second = models.FloatField(null=True)
    burst = models.PositiveIntegerField(null=True)
    capacity = models.PositiveIntegerField(null=True)

    objects = QueueControls.as_manager()

    class Meta:
        ordering = ("-pk",)
        verbose_name = "queue"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["organization", "queue_group"], name="queuecontrol_once"
            ),
            models.CheckConstraint(
                condition=Q(paused_until__isnull=True) | Q(is_paused=True),
                name="queuecontrol_until_only_while_paused",
            ),
            models.CheckConstraint(
                condition=Q(weight__gte=LEAST_WEIGHT, weight__lte=MOST_WEIGHT),
                name="queuecontrol_weight_in_bounds",
            ),
            models.CheckConstraint(
                condition=Q(concurrency_limit__isnull=True) | Q(concurrency_limit__gte=1),
                name="queuecontrol_limit_lets_one_through",
            ),
            models.CheckConstraint(
                condition=Q(rate_per_second__isnull=True, burst__isnull=True)
                | Q(rate_per_second__gt=0) & (Q(burst__isnull=True) | Q(burst__gte=1)),
                name="queuecontrol_rate_lets_one_through",
            ),
            models.CheckConstraint(
                condition=Q(capacity__isnull=True) | Q(capacity__gte=1),
                name="queuecontrol_capacity_takes_one",
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            # pauses that end by themselves
            models.Index(
                fields=["paused_until"],
                name="queuecontrol_ends",
                condition=Q(paused_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.queue_group} of organization {self.organization_id}"
