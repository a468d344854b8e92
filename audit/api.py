"""The audit log of an organization: list and show."""

import json
from typing import Annotated, Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import AwareDatetime, Field

from audit.models import AuditEvent
from tenancy.access import Permission
from tenancy.api.fields import UNCHANGED, Out, PathId
from tenancy.api.pages import Items, Page, UuidPageQuery, find, page
from tenancy.api.permission import ServiceToken

router = Router(tags=["audit"])
read = ServiceToken(Permission.AUDIT_VIEW)

Text = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
FILTERS = ("action", "actor", "target_type", "target_id", "correlation_id")


class AuditQuery(UuidPageQuery):
    """Which events; every filter is an exact match."""

    action: Text = UNCHANGED
    actor: Text = UNCHANGED
    target_type: Text = UNCHANGED
    target_id: Text = UNCHANGED
    correlation_id: Text = UNCHANGED


class AuditEventOut(Out):
    """Something that was done, tried or seen.

    event: the canonical content, as sealed and replicated. personal: changes of fields that are
    about a person; null when there are none, or when they were erased.
    """

    id: UUID
    recorded_at: AwareDatetime
    event: dict[str, Any]
    personal: dict[str, Any] | None

    @staticmethod
    def resolve_event(row: AuditEvent) -> Any:
        """The stored text, read."""
        return json.loads(row.event)

    @staticmethod
    def resolve_personal(row: AuditEvent) -> Any:
        """The stored text, read."""
        return None if row.personal is None else json.loads(row.personal)


def _events(organization_id: int) -> QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(organization_id=organization_id)


@router.get("", auth=read, response=Page[AuditEventOut])
def list_audit_events(
    request: HttpRequest, organization_id: PathId, query: Query[AuditQuery]
) -> Items:
    """Audit events, newest first."""
    wanted = {name: getattr(query, name) for name in FILTERS}
    rows = _events(organization_id).filter(
        **{name: value for name, value in wanted.items() if value is not None}
    )
    return page(rows, query, request)


@router.get("/{event_id}", auth=read, response=AuditEventOut)
def show_audit_event(
    request: HttpRequest, organization_id: PathId, event_id: Path[UUID]
) -> AuditEvent:
    """One audit event."""
    return find(_events(organization_id), event_id)
