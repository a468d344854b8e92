"""Who hears of an event, and whether they still may.

People: whoever is assigned to the mission, whoever the event itself assigns or relieves, and
whoever subscribed to its type, for all projects or for this one. Endpoints: those that list the
event type. The same question is asked again just before something is sent.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from jobs.families.notifications.models import (
    Endpoint,
    EndpointState,
    Subscription,
    Suppressed,
    SuppressedAddress,
    SuppressionCause,
)
from tenancy.models import Assignment, Collaborator, DomainEvent, Membership


def people(event: DomainEvent) -> list[tuple[Collaborator, Suppressed | None]]:
    """Everybody who would hear of this event by mail, with why one does not; each mailbox once."""
    wanting, muting = _subscribed(event)
    ids = (_assigned(event) | _named(event.data) | wanting) - {0}
    found = Collaborator.objects.filter(
        organization_id=event.organization_id, pk__in=ids
    ).select_related("user")
    by_mailbox = {person.email.lower(): person for person in found.order_by("-pk")}
    hearers = sorted(by_mailbox.values(), key=lambda person: person.pk)
    standing = why_not(event.organization_id, hearers)
    return [
        (person, Suppressed.MUTED if person.pk in muting else standing[person.pk])
        for person in hearers
    ]


def endpoints(event: DomainEvent) -> list[tuple[Endpoint, Suppressed | None]]:
    """The endpoints that listen to this event's type, with why one does not hear it."""
    listening = Endpoint.objects.filter(organization_id=event.organization_id).exclude(
        state=EndpointState.DELETED
    )
    return [
        (one, Suppressed.ENDPOINT_DISABLED if one.state == EndpointState.DISABLED else None)
        for one in listening.order_by("pk")
        if event.event_type in one.event_types
    ]


def why_not(organization_id: int, hearers: Iterable[Collaborator]) -> dict[int, Suppressed | None]:
    """By collaborator: why no mail may go to them now, or None.

    Who signs in hears only as long as they are an active member; who does not, as long as they are
    active on the roster.
    """
    asked = list(hearers)
    signing_in = [person.user_id for person in asked if person.user_id]
    members = set(
        Membership.objects.filter(
            organization_id=organization_id,
            user_id__in=signing_in,
            user__is_active=True,
            deactivated_at=None,
        ).values_list("user_id", flat=True)
    )
    suppressed = dict(
        SuppressedAddress.objects.filter(
            organization_id=organization_id, address__in=[one.email.lower() for one in asked]
        ).values_list("address", "cause")
    )
    return {person.pk: _why_not(person, members, suppressed) for person in asked}


def _why_not(
    person: Collaborator, members: set[int], suppressed: Mapping[str, str]
) -> Suppressed | None:
    if person.user_id and person.user_id not in members:
        return Suppressed.RECIPIENT_REVOKED
    if person.status != Collaborator.Status.ACTIVE:
        return Suppressed.RECIPIENT_INACTIVE
    cause = suppressed.get(person.email.lower())
    if cause == SuppressionCause.UNSUBSCRIBED:
        return Suppressed.MUTED
    return Suppressed.ADDRESS_SUPPRESSED if cause else None


def _assigned(event: DomainEvent) -> set[int]:
    if event.mission_id is None:
        return set()
    return set(
        Assignment.objects.filter(
            organization_id=event.organization_id, mission_id=event.mission_id
        ).values_list("collaborator_id", flat=True)
    )


def _named(data: Mapping[str, Any]) -> set[int]:
    """Whom the event assigns or relieves: the latter stands in no assignment any more.

    And whom it lists to be told, as an import does that touches many missions.
    """
    assignment = data.get("assignment") or {}
    people = (assignment.get("collaborator"), data.get("previous"))
    return {int(person["id"]) for person in people if person} | set(data.get("notify", ()))


def _subscribed(event: DomainEvent) -> tuple[set[int], set[int]]:
    rows = Subscription.objects.filter(
        organization_id=event.organization_id, event_type=event.event_type
    ).values_list("collaborator_id", "project_id", "muted")
    about = [row for row in rows if row[1] in (None, event.project_id)]
    return {row[0] for row in about if not row[2]}, {row[0] for row in about if row[2]}
