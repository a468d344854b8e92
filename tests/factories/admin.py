"""A signed-in browser without a browser, and one row of any model that has an admin page."""

from collections.abc import Callable
from typing import Any

from django.db import models
from django.test import Client

from audit.models import AuditEvent
from jobs.families.transfers.models import Export
from jobs.models import (
    Alert,
    Breaker,
    DeadLetter,
    Delivery,
    Endpoint,
    Import,
    Job,
    MinuteCount,
    QueueControl,
    Subscription,
    SuppressedAddress,
)
from templates.models import NotificationTemplate
from tenancy.models import (
    Assignment,
    Collaborator,
    Invitation,
    Membership,
    Mission,
    Organization,
    Project,
    ServiceAccount,
    TimelineEntry,
    User,
)
from tests.factories import alerts, exports, imports, jobs, notifications, templates, tenancy


def signed_in(person: User) -> Client:
    """Django's test client, as this person."""
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


def job(own: Organization) -> Job:
    """A dead job."""
    return jobs.row(jobs.dead_job(own))


def dead_letter(own: Organization) -> DeadLetter:
    """An open dead letter."""
    ref = jobs.dead_job(own)
    with jobs.at(own):
        return DeadLetter.objects.get(job_id=ref.job_id)


def audit_event(own: Organization) -> AuditEvent:
    """What the log says of a new project."""
    made = tenancy.project(own)
    with jobs.at(own):
        return AuditEvent.objects.get(target_type="project", target_id=str(made.pk))


def membership(own: Organization) -> Membership:
    """Of a person who belongs nowhere else."""
    person = tenancy.member(own)
    with jobs.at(own):
        return Membership.objects.get(organization=own, user=person)


MAKERS: dict[type[models.Model], Callable[[Organization], Any]] = {
    Organization: lambda own: own,
    Project: tenancy.project,
    Mission: lambda own: tenancy.mission(tenancy.project(own)),
    TimelineEntry: lambda own: tenancy.timeline_entry(tenancy.mission(tenancy.project(own))),
    Collaborator: tenancy.collaborator,
    Assignment: lambda own: tenancy.assignment(tenancy.mission(tenancy.project(own))),
    ServiceAccount: tenancy.service_account,
    Endpoint: notifications.endpoint,
    Delivery: notifications.delivery,
    Subscription: notifications.subscription,
    SuppressedAddress: notifications.suppressed_address,
    Membership: membership,
    Invitation: tenancy.invitation,
    AuditEvent: audit_event,
    Import: imports.asking,
    Export: exports.export,
    Job: job,
    DeadLetter: dead_letter,
    QueueControl: jobs.queue_control,
    Breaker: jobs.breaker,
    MinuteCount: alerts.minute_count,
    Alert: alerts.open_alert,
    NotificationTemplate: templates.template,
}


def row_of(model: type[models.Model], own: Organization) -> Any:
    """A row of `model` in the organization. Raises KeyError for a model that nobody added here."""
    return MAKERS[model](own)
