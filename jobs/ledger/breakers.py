"""Destinations that fail: what `jobs.execution.breaker` knows of them, shared by all workers."""

from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Now

from tenancy.entities import TenantModel


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
