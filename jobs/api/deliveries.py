"""Deliveries: what went to whom by which channel, and how each attempt ended."""

from typing import Annotated
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import AwareDatetime, Field

from jobs.families.notifications.models import Channel, Delivery, DeliveryState
from tenancy.access import Permission
from tenancy.api.fields import UNCHANGED, Id, Out, PathId
from tenancy.api.pages import Items, Page, UuidPageQuery, find, page
from tenancy.api.permission import ServiceToken

router = Router(tags=["deliveries"])
read = ServiceToken(Permission.DELIVERY_VIEW)

FILTERS = ("state", "channel", "endpoint_id", "event_id")


class DeliveryQuery(UuidPageQuery):
    """Which deliveries; every filter is an exact match."""

    state: DeliveryState = UNCHANGED
    channel: Channel = UNCHANGED
    endpoint_id: Id = UNCHANGED
    event_id: Id = UNCHANGED


class DeliveryOut(Out):
    """One event on its way to one recipient by one channel."""

    id: UUID
    event_id: int
    event_type: str
    channel: Channel
    recipient: str
    endpoint_id: int | None
    job_id: UUID | None
    state: DeliveryState
    reason: str
    created_at: AwareDatetime
    settled_at: AwareDatetime | None

    @staticmethod
    def resolve_event_type(row: Delivery) -> str:
        """What happened."""
        return str(row.event.event_type)


class DeliveryAttemptOut(Out):
    """One time that it was put on the wire."""

    number: int
    started_at: AwareDatetime
    latency_ms: int | None
    result: str
    reason: str
    error: str
    response_status: int | None


class DeliveryWithAttempts(DeliveryOut):
    """A delivery with each of its attempts, oldest first."""

    attempts: Annotated[list[DeliveryAttemptOut], Field(description="Oldest first.")]


def _deliveries(organization_id: int) -> QuerySet[Delivery]:
    return Delivery.objects.filter(organization_id=organization_id).select_related("event")


@router.get("", auth=read, response=Page[DeliveryOut])
def list_deliveries(
    request: HttpRequest, organization_id: PathId, query: Query[DeliveryQuery]
) -> Items:
    """Deliveries, newest first."""
    wanted = {name: getattr(query, name) for name in FILTERS}
    rows = _deliveries(organization_id).filter(
        **{name: value for name, value in wanted.items() if value is not None}
    )
    return page(rows, query, request)


@router.get("/{delivery_id}", auth=read, response=DeliveryWithAttempts)
def show_delivery(
    request: HttpRequest, organization_id: PathId, delivery_id: Path[UUID]
) -> Delivery:
    """One delivery, with its attempts."""
    return find(_deliveries(organization_id), delivery_id)
