"""The rows that a job's effect touches: as many, and as wide, as in ours."""

from django.db import models


class Mission(models.Model):  # noqa: DJ008 - nobody looks at it
    organization_id = models.BigIntegerField(db_index=True)
    title = models.CharField(max_length=200)


class AuditEvent(models.Model):  # noqa: DJ008 - nobody looks at it
    organization_id = models.BigIntegerField(db_index=True)
    event = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
