"""Who is assigned to a mission: list, show, create, change, delete."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import AwareDatetime

from tenancy import changes
from tenancy.access import Permission
from tenancy.api.fields import UNCHANGED, Body, Out, PathId, Reference, Word
from tenancy.api.missions import missions
from tenancy.api.pages import Items, Page, PageQuery, find, page
from tenancy.api.permission import ServiceToken
from tenancy.api.problems import refused
from tenancy.models import Assignment, Collaborator

router = Router(tags=["assignments"])
read, write = ServiceToken(Permission.MISSION_VIEW), ServiceToken(Permission.MISSION_EDIT)


class NewAssignment(Body):
    """An assignment to create."""

    collaborator_id: Reference
    role: Word = ""


class AssignmentChanges(Body):
    """What to change of an assignment; another collaborator reassigns it."""

    collaborator_id: Reference = UNCHANGED
    role: Word = UNCHANGED


class AssignmentOut(Out):
    """A collaborator's part in a mission."""

    id: int
    mission_id: int
    collaborator_id: int
    role: str
    created_at: AwareDatetime


def _assignments(organization_id: int, mission_id: int) -> QuerySet[Assignment]:
    mission = find(missions(organization_id), mission_id)
    return Assignment.objects.filter(organization_id=organization_id, mission=mission)


@router.get("", auth=read, response=Page[AssignmentOut])
def list_assignments(
    request: HttpRequest, organization_id: PathId, mission_id: PathId, query: Query[PageQuery]
) -> Items:
    """Assignments of a mission, newest first."""
    return page(_assignments(organization_id, mission_id), query, request)


@router.get("/{assignment_id}", auth=read, response=AssignmentOut)
def show_assignment(
    request: HttpRequest, organization_id: PathId, mission_id: PathId, assignment_id: PathId
) -> Assignment:
    """One assignment."""
    return find(_assignments(organization_id, mission_id), assignment_id)


@router.post("", auth=write, response={201: AssignmentOut})
def create_assignment(
    request: HttpRequest,
    response: HttpResponse,
    organization_id: PathId,
    mission_id: PathId,
    body: NewAssignment,
) -> Assignment:
    """Assign a collaborator, once per mission."""
    mission = find(missions(organization_id), mission_id)
    values = body.model_dump()
    _check_collaborator(organization_id, values)
    assignment = Assignment(organization_id=organization_id, mission=mission, **values)
    changes.create(assignment)
    response["Location"] = f"{request.path}/{assignment.pk}"
    return assignment


@router.patch("/{assignment_id}", auth=write, response=AssignmentOut)
def change_assignment(
    request: HttpRequest,
    organization_id: PathId,
    mission_id: PathId,
    assignment_id: PathId,
    body: AssignmentChanges,
) -> Assignment:
    """Change the role, or reassign to another collaborator."""
    assignment = find(_assignments(organization_id, mission_id), assignment_id)
    values = body.model_dump(exclude_unset=True)
    _check_collaborator(organization_id, values)
    return changes.update(assignment, **values)


@router.delete("/{assignment_id}", auth=write, response={204: None})
def delete_assignment(
    request: HttpRequest, organization_id: PathId, mission_id: PathId, assignment_id: PathId
) -> None:
    """Take a collaborator off a mission."""
    changes.delete(find(_assignments(organization_id, mission_id), assignment_id))


def _check_collaborator(organization_id: int, values: dict[str, Any]) -> None:
    key = values.get("collaborator_id")
    if key is None:
        return
    if not Collaborator.objects.filter(organization_id=organization_id, pk=key).exists():
        raise refused("body.collaborator_id", "unknown", "There is no such collaborator.")
