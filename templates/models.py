"""Two tables: which template is whose and for what, and the versions of its sources.

A version never changes after it was saved, but for its state: the database lets the application
update `state` and `published_at` and nothing else, and delete nothing. What a delivery recorded is
therefore there to look up.
"""

from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Now

from templates import catalogue
from tenancy.entities import TenantModel
from tenancy.rls import TenantForeignKey


class NotificationTemplate(TenantModel):
    """One organization's own wording for an event type, a channel and a language.

    locale: such as `de` or `de-CH`; empty for every language that has none of its own.
    """

    event_type = models.CharField(max_length=64)
    channel = models.CharField(max_length=16, choices=[(name, name) for name in catalogue.CHANNELS])
    locale = models.CharField(max_length=16, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("event_type", "channel", "locale")
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["organization", "event_type", "channel", "locale"],
                name="notificationtemplate_once",
            ),
        ]

    def __str__(self) -> str:
        language = f" ({self.locale})" if self.locale else ""
        return f"{self.event_type} by {self.channel}{language}"


class VersionState(models.TextChoices):
    """draft → published (`versions.publish`) → retired, by the next one or by `withdraw`."""

    DRAFT = "draft"
    PUBLISHED = "published"
    RETIRED = "retired"


class TemplateVersion(TenantModel):
    """The sources of a template as somebody saved them.

    number: from 1, without gaps, in each template.
    sources: part → Liquid or JSON, as in `catalogue.PARTS`.
    author_id: who saved it, as in logs: `user:7`.
    """

    template = TenantForeignKey(NotificationTemplate, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    sources = models.JSONField()
    author_id = models.CharField(max_length=64)
    note = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=16, choices=VersionState, default=VersionState.DRAFT)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    published_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("-number",)
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["organization", "template", "number"], name="templateversion_number_once"
            ),
            models.UniqueConstraint(
                fields=["organization", "template"],
                condition=models.Q(state="published"),
                name="templateversion_one_published",
            ),
            models.CheckConstraint(
                condition=models.Q(state="draft", published_at=None)
                | models.Q(state__in=["published", "retired"], published_at__isnull=False),
                name="templateversion_published_has_its_time",
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.number}"
