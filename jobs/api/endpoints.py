"""Webhook endpoints: list, show, create, change, enable, disable, rotate the secret, delete.

A secret is in the answer that made it and in no other.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import AwareDatetime, Field

from jobs.families.notifications import endpoints
from jobs.families.notifications.errors import AddressRefused
from jobs.families.notifications.models import Endpoint, EndpointState
from templates.catalogue import EVENT_TYPES
from templates.errors import UnknownTemplate
from tenancy.access import Permission
from tenancy.api.fields import UNCHANGED, Body, Line, Out, PathId
from tenancy.api.pages import Items, Page, PageQuery, find, page
from tenancy.api.permission import ServiceToken
from tenancy.api.problems import Problem, refused

router = Router(tags=["endpoints"])
read, write = ServiceToken(Permission.ENDPOINT_VIEW), ServiceToken(Permission.ENDPOINT_MANAGE)

Name = Annotated[Line, Field(max_length=200)]
Url = Annotated[str, Field(max_length=2048, pattern=r"^https?://[^\x00-\x20\x7f]+$")]
EventTypes = Annotated[
    list[Annotated[str, Field(json_schema_extra={"enum": sorted(EVENT_TYPES)})]],
    Field(max_length=len(EVENT_TYPES)),
]


class NewEndpoint(Body):
    """An endpoint to create."""

    name: Name
    url: Url
    event_types: EventTypes = Field(default_factory=list)


class EndpointChanges(Body):
    """What to change of an endpoint; what is left out stays."""

    name: Name = UNCHANGED
    url: Url = UNCHANGED
    event_types: EventTypes = UNCHANGED


class Disabled(Body):
    """Why nothing shall go there any more."""

    reason: Annotated[Line, Field(max_length=200)]


class EndpointOut(Out):
    """An address that hears of events by webhook."""

    id: int
    name: str
    url: str
    event_types: list[str]
    state: EndpointState
    state_reason: str
    previous_until: AwareDatetime | None = Field(
        description="Until then the secret before the last rotation signs too."
    )
    created_at: AwareDatetime


class EndpointWithSecret(EndpointOut):
    """An endpoint with the secret that was just made for it."""

    secret: str = Field(description="Signs every webhook (Standard Webhooks); shown once.")


def _endpoints(organization_id: int) -> QuerySet[Endpoint]:
    return Endpoint.objects.filter(organization_id=organization_id).exclude(
        state=EndpointState.DELETED
    )


@router.get("", auth=read, response=Page[EndpointOut])
def list_endpoints(request: HttpRequest, organization_id: PathId, query: Query[PageQuery]) -> Items:
    """Endpoints, newest first."""
    return page(_endpoints(organization_id), query, request)


@router.get("/{endpoint_id}", auth=read, response=EndpointOut)
def show_endpoint(request: HttpRequest, organization_id: PathId, endpoint_id: PathId) -> Endpoint:
    """One endpoint."""
    return find(_endpoints(organization_id), endpoint_id)


@router.post("", auth=write, response={201: EndpointWithSecret})
def create_endpoint(
    request: HttpRequest, response: HttpResponse, organization_id: PathId, body: NewEndpoint
) -> Endpoint:
    """Create an endpoint; the answer holds its secret, which cannot be read again."""
    with _checked():
        endpoint, secret = endpoints.create(organization_id, **body.model_dump())
    response["Location"] = f"{request.path}/{endpoint.pk}"
    return _with(endpoint, secret)


@router.patch("/{endpoint_id}", auth=write, response=EndpointOut)
def change_endpoint(
    request: HttpRequest, organization_id: PathId, endpoint_id: PathId, body: EndpointChanges
) -> Endpoint:
    """Change an endpoint."""
    endpoint = find(_endpoints(organization_id), endpoint_id)
    with _checked():
        return endpoints.change(endpoint, **body.model_dump(exclude_unset=True))


@router.post("/{endpoint_id}/rotate", auth=write, response=EndpointWithSecret)
def rotate_endpoint_secret(
    request: HttpRequest, organization_id: PathId, endpoint_id: PathId
) -> Endpoint:
    """Make a new secret; the old one signs beside it for 24 hours."""
    secret = endpoints.rotate(find(_endpoints(organization_id), endpoint_id))
    return _with(find(_endpoints(organization_id), endpoint_id), secret)


@router.post("/{endpoint_id}/disable", auth=write, response=EndpointOut)
def disable_endpoint(
    request: HttpRequest, organization_id: PathId, endpoint_id: PathId, body: Disabled
) -> Endpoint:
    """Send nothing there any more; what is on its way becomes a dead letter."""
    return endpoints.disable(find(_endpoints(organization_id), endpoint_id), body.reason)


@router.post("/{endpoint_id}/enable", auth=write, response=EndpointOut)
def enable_endpoint(request: HttpRequest, organization_id: PathId, endpoint_id: PathId) -> Endpoint:
    """Send there again."""
    return endpoints.enable(find(_endpoints(organization_id), endpoint_id))


@router.delete("/{endpoint_id}", auth=write, response={204: None})
def delete_endpoint(request: HttpRequest, organization_id: PathId, endpoint_id: PathId) -> None:
    """Delete an endpoint; its deliveries stay in the history."""
    endpoints.remove(find(_endpoints(organization_id), endpoint_id))


@contextmanager
def _checked() -> Iterator[None]:
    try:
        yield
    except AddressRefused as error:
        raise refused("body.url", error.word, str(error)) from error
    except UnknownTemplate as error:
        raise Problem(422, "invalid", str(error)) from error


def _with(endpoint: Endpoint, secret: str) -> Endpoint:
    # The column of this name holds the encrypted secret; this instance is only answered, not saved.
    endpoint.secret = secret
    return endpoint
