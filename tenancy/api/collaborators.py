"""The roster of collaborators: list, show, create, change."""

from typing import Annotated

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from tenancy import changes
from tenancy.access import Permission
from tenancy.api.fields import UNCHANGED, Body, Email, Line, Out, PathId, Word
from tenancy.api.pages import Items, Page, PageQuery, find, page
from tenancy.api.permission import ServiceToken
from tenancy.models import Collaborator

router = Router(tags=["collaborators"])
read = ServiceToken(Permission.COLLABORATOR_VIEW)
write = ServiceToken(Permission.COLLABORATOR_MANAGE)

Status = Collaborator.Status
Name = Annotated[Line, Field(max_length=200)]


class CollaboratorQuery(PageQuery):
    """Which collaborators."""

    status: Status = UNCHANGED


class NewCollaborator(Body):
    """A collaborator to put on the roster."""

    email: Email
    name: Name
    role: Word = ""
    status: Status = Status.ACTIVE


class CollaboratorChanges(Body):
    """What to change of a collaborator; what is left out stays."""

    email: Email = UNCHANGED
    name: Name = UNCHANGED
    role: Word = UNCHANGED
    status: Status = UNCHANGED


class CollaboratorOut(Out):
    """A person on the roster."""

    id: int
    email: str
    name: str
    role: str
    status: Status


def _collaborators(organization_id: int) -> QuerySet[Collaborator]:
    return Collaborator.objects.filter(organization_id=organization_id)


@router.get("", auth=read, response=Page[CollaboratorOut])
def list_collaborators(
    request: HttpRequest, organization_id: PathId, query: Query[CollaboratorQuery]
) -> Items:
    """Collaborators, newest first."""
    rows = _collaborators(organization_id)
    if query.status:
        rows = rows.filter(status=query.status)
    return page(rows, query, request)


@router.get("/{collaborator_id}", auth=read, response=CollaboratorOut)
def show_collaborator(
    request: HttpRequest, organization_id: PathId, collaborator_id: PathId
) -> Collaborator:
    """One collaborator."""
    return find(_collaborators(organization_id), collaborator_id)


@router.post("", auth=write, response={201: CollaboratorOut})
def create_collaborator(
    request: HttpRequest, response: HttpResponse, organization_id: PathId, body: NewCollaborator
) -> Collaborator:
    """Put a person on the roster; a mail address is there once."""
    collaborator = Collaborator(organization_id=organization_id, **body.model_dump())
    changes.create(collaborator)
    response["Location"] = f"{request.path}/{collaborator.pk}"
    return collaborator


@router.patch("/{collaborator_id}", auth=write, response=CollaboratorOut)
def change_collaborator(
    request: HttpRequest,
    organization_id: PathId,
    collaborator_id: PathId,
    body: CollaboratorChanges,
) -> Collaborator:
    """Change a collaborator; only active ones are notified."""
    collaborator = find(_collaborators(organization_id), collaborator_id)
    return changes.update(collaborator, **body.model_dump(exclude_unset=True))
