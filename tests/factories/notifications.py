"""Endpoints, subscriptions, suppressed mailboxes and deliveries, each through its own door."""

from typing import Any

from django.db import transaction

from jobs.families.notifications import endpoints, fan_out
from jobs.families.notifications.job_types import deliver_mail, deliver_webhook
from jobs.families.notifications.models import (
    Delivery,
    Endpoint,
    Subscription,
    SuppressedAddress,
    SuppressionCause,
)
from jobs.families.notifications.unsubscribe import suppress
from tenancy import changes
from tenancy.models import DomainEvent, Organization
from tenancy.scope import scope
from tests.factories import tenancy


def endpoint(of: Organization | None = None, **fields: Any) -> Endpoint:
    """An endpoint at a public address that hears of new assignments."""
    of = of or tenancy.organization()
    fields = {
        "name": "Ours",
        "url": "https://hooks.example.com/ours",
        "event_types": ["assignment.created"],
    } | fields
    with scope(of), transaction.atomic():
        return endpoints.create(of.pk, **fields)[0]


def subscription(of: Organization | None = None, **fields: Any) -> Subscription:
    """Somebody who wants to hear of every mission that is completed."""
    of = of or tenancy.organization()
    fields = {"event_type": "mission.completed"} | fields
    person = fields.pop("collaborator", None) or tenancy.collaborator(of)
    with scope(of), transaction.atomic():
        return changes.create(Subscription(organization=of, collaborator=person, **fields))


def suppressed_address(of: Organization | None = None) -> SuppressedAddress:
    """A mailbox that bounced."""
    of = of or tenancy.organization()
    with scope(of), transaction.atomic():
        return suppress(of.pk, "bounced@example.test", SuppressionCause.BOUNCED)


def delivery(of: Organization | None = None) -> Delivery:
    """The mail about an assignment, on its way."""
    of = of or tenancy.organization()
    tenancy.assignment(tenancy.mission(tenancy.project(of)), tenancy.collaborator(of))
    with scope(of), transaction.atomic():
        event = DomainEvent.objects.filter(
            organization_id=of.pk, event_type="assignment.created"
        ).latest("pk")
        [made] = fan_out.fan_out(of.pk, event.pk, mail=deliver_mail, webhook=deliver_webhook)
        return made
