"""Missions: list, show, create, change."""

from typing import Annotated, Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import AwareDatetime, Field

from tenancy import changes
from tenancy.access import Permission
from tenancy.api.fields import UNCHANGED, Body, Id, Line, Moment, Out, PathId, Prose, Reference
from tenancy.api.pages import Items, Page, PageQuery, find, page
from tenancy.api.permission import ServiceToken
from tenancy.api.problems import refused
from tenancy.models import Mission, MissionState, Project

router = Router(tags=["missions"])
read, write = ServiceToken(Permission.MISSION_VIEW), ServiceToken(Permission.MISSION_EDIT)

MissionReference = Annotated[Line, Field(max_length=64)]
Title = Annotated[Line, Field(max_length=300)]


class MissionQuery(PageQuery):
    """Which missions."""

    project_id: Id = UNCHANGED
    state: MissionState = UNCHANGED


class NewMission(Body):
    """A mission to create."""

    project_id: Reference
    reference: MissionReference
    title: Title
    description: Prose = ""
    state: MissionState = MissionState.PLANNED
    starts_at: Moment | None = None
    ends_at: Moment | None = None


class MissionChanges(Body):
    """What to change of a mission; what is left out stays."""

    project_id: Reference = UNCHANGED
    reference: MissionReference = UNCHANGED
    title: Title = UNCHANGED
    description: Prose = UNCHANGED
    state: MissionState = UNCHANGED
    starts_at: Moment | None = UNCHANGED
    ends_at: Moment | None = UNCHANGED


class MissionOut(Out):
    """A mission."""

    id: int
    project_id: int
    reference: str
    title: str
    description: str
    state: MissionState
    starts_at: AwareDatetime | None
    ends_at: AwareDatetime | None
    created_at: AwareDatetime


def missions(organization_id: int) -> QuerySet[Mission]:
    """Those of the organization, as the routes of what hangs on a mission look them up too."""
    return Mission.objects.filter(organization_id=organization_id)


@router.get("", auth=read, response=Page[MissionOut])
def list_missions(
    request: HttpRequest, organization_id: PathId, query: Query[MissionQuery]
) -> Items:
    """Missions, newest first."""
    rows = missions(organization_id)
    if query.project_id:
        rows = rows.filter(project_id=query.project_id)
    if query.state:
        rows = rows.filter(state=query.state)
    return page(rows, query, request)


@router.get("/{mission_id}", auth=read, response=MissionOut)
def show_mission(request: HttpRequest, organization_id: PathId, mission_id: PathId) -> Mission:
    """One mission."""
    return find(missions(organization_id), mission_id)


@router.post("", auth=write, response={201: MissionOut})
def create_mission(
    request: HttpRequest, response: HttpResponse, organization_id: PathId, body: NewMission
) -> Mission:
    """Create a mission; its reference is unique in the organization."""
    values = body.model_dump()
    _check_project(organization_id, values)
    mission = changes.create(Mission(organization_id=organization_id, **values))
    response["Location"] = f"{request.path}/{mission.pk}"
    return mission


@router.patch("/{mission_id}", auth=write, response=MissionOut)
def change_mission(
    request: HttpRequest, organization_id: PathId, mission_id: PathId, body: MissionChanges
) -> Mission:
    """Change a mission."""
    mission = find(missions(organization_id), mission_id)
    values = body.model_dump(exclude_unset=True)
    _check_project(organization_id, values)
    return changes.update(mission, **values)


def _check_project(organization_id: int, values: dict[str, Any]) -> None:
    project_id = values.get("project_id")
    if project_id is None:
        return
    if not Project.objects.filter(organization_id=organization_id, pk=project_id).exists():
        raise refused("body.project_id", "unknown", "There is no such project.")
