"""Notification templates, saved and published through their own door."""

from django.db import transaction

from templates import versions
from templates.models import NotificationTemplate, TemplateVersion
from tenancy.acting import Actor, acting
from tenancy.models import Organization, Role
from tenancy.scope import scope
from tests.factories import tenancy

MAIL = {"subject": "New: {{ mission.title }}", "text": "Hello", "html": "<p>Hello</p>"}


def draft(
    of: Organization | None = None, event_type: str = "mission.created", **sources: str
) -> TemplateVersion:
    """A first draft of a mail for every language, saved by an admin of the organization."""
    of = of or tenancy.organization()
    admin = Actor.user(tenancy.member(of, Role.ADMIN).pk)
    with acting(admin, source="admin"), scope(of), transaction.atomic():
        return versions.save_draft(of.pk, event_type, "mail", "", MAIL | sources, base=0)


def template(of: Organization | None = None) -> NotificationTemplate:
    """A template with one draft."""
    made: NotificationTemplate = draft(of).template
    return made
