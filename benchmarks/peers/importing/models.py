"""The rows that an import writes: as many columns, and as wide, as in ours."""

from django.db import models


class Mission(models.Model):  # noqa: DJ008 - nobody looks at it
    reference = models.CharField(max_length=64, unique=True)


class TimelineEntry(models.Model):  # noqa: DJ008 - nobody looks at it
    organization_id = models.BigIntegerField(default=1)
    external_id = models.CharField(max_length=200)
    mission = models.ForeignKey(Mission, models.PROTECT)
    kind = models.CharField(max_length=16, choices=[("task", "task"), ("note", "note")])
    title = models.CharField(max_length=200)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    location = models.CharField(max_length=200, blank=True)
    notes = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization_id", "external_id"], name="entry_once"),
        ]
