"""The tables of alerts: what each minute brought, and what somebody must be told.

A row without an organization is about a whole queue group, or about the site; operators see it.
"""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from jobs.alerts.conditions import Kind, Subject
from jobs.alerts.states import AlertState
from tenancy.entities import TenantModel


class MinuteCount(TenantModel):
    """One minute of one organization's queue, or of a whole group; see `conditions.Count`."""

    organization = models.ForeignKey(  # type: ignore[assignment]
        "tenancy.Organization", models.CASCADE, null=True, related_name="+", db_index=False
    )
    queue_group = models.CharField(max_length=32)
    minute = models.DateTimeField(help_text="Its beginning.")
    depth = models.IntegerField(default=0)
    oldest_seconds = models.FloatField(default=0)
    attempts = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)
    succeeded = models.IntegerField(default=0)
    retried = models.IntegerField(default=0)
    dead = models.IntegerField(default=0)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            # Also serves the pages of one organization or group, over time.
            models.UniqueConstraint(
                fields=["organization", "queue_group", "minute"],
                name="minutecount_once",
                nulls_distinct=False,
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            # what the latest minutes were, and what is older than kept
            models.Index(fields=["minute"], name="minutecount_by_minute"),
        ]

    def __str__(self) -> str:
        return f"{self.queue_group} at {self.minute:%Y-%m-%d %H:%M}"


class Alert(TenantModel):
    """Something that is wrong, from the first minute to the last."""

    organization = models.ForeignKey(  # type: ignore[assignment]
        "tenancy.Organization", models.PROTECT, null=True, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=32, choices=Kind)
    queue_group = models.CharField(max_length=32, blank=True, default="")
    state = models.CharField(max_length=16, choices=AlertState)
    minutes = models.IntegerField(default=0)
    is_quiet = models.BooleanField(default=False)
    value = models.FloatField()
    began_at = models.DateTimeField(db_default=Now())
    opened_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    told = models.JSONField(default=dict)
    tell_at = models.DateTimeField(null=True)
    tell_failures = models.IntegerField(default=0)
    tell_error = models.TextField(blank=True, default="")

    class Meta:
        ordering = ("-id",)
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["organization", "kind", "queue_group"],
                condition=~Q(state="closed"),
                name="alert_live_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(state="pending", opened_at=None)
                | Q(state__in=["open", "closed"], opened_at__isnull=False),
                name="alert_is_opened_unless_pending",
            ),
            models.CheckConstraint(
                condition=Q(state="closed", closed_at__isnull=False)
                | (~Q(state="closed") & Q(closed_at=None)),
                name="alert_is_closed_exactly_when_closed_at",
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["state", "-id"], name="alert_by_state"),
            models.Index(
                fields=["tell_at"], name="alert_to_tell", condition=Q(tell_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return " ".join(filter(None, (self.get_kind_display().lower(), self.queue_group)))

    @property
    def subject(self) -> Subject:
        """What it is about."""
        return Subject(
            kind=Kind(self.kind), organization_id=self.organization_id, group=self.queue_group
        )
