"""Projects: list, show, create, change."""

from typing import Annotated

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import AwareDatetime, Field

from tenancy import changes
from tenancy.access import Permission
from tenancy.api.fields import UNCHANGED, Body, Line, Out, PathId
from tenancy.api.pages import Items, Page, PageQuery, find, page
from tenancy.api.permission import ServiceToken
from tenancy.models import Project, ProjectState

router = Router(tags=["projects"])
read, write = ServiceToken(Permission.PROJECT_VIEW), ServiceToken(Permission.PROJECT_EDIT)

Code = Annotated[Line, Field(max_length=32)]
Name = Annotated[Line, Field(max_length=200)]


class ProjectQuery(PageQuery):
    """Which projects."""

    state: ProjectState = UNCHANGED


class NewProject(Body):
    """A project to create."""

    code: Code
    name: Name


class ProjectChanges(Body):
    """What to change of a project; what is left out stays."""

    code: Code = UNCHANGED
    name: Name = UNCHANGED
    state: ProjectState = UNCHANGED


class ProjectOut(Out):
    """A project."""

    id: int
    code: str
    name: str
    state: ProjectState
    created_at: AwareDatetime


def _projects(organization_id: int) -> QuerySet[Project]:
    return Project.objects.filter(organization_id=organization_id)


@router.get("", auth=read, response=Page[ProjectOut])
def list_projects(
    request: HttpRequest, organization_id: PathId, query: Query[ProjectQuery]
) -> Items:
    """Projects, newest first."""
    rows = _projects(organization_id)
    if query.state:
        rows = rows.filter(state=query.state)
    return page(rows, query, request)


@router.get("/{project_id}", auth=read, response=ProjectOut)
def show_project(request: HttpRequest, organization_id: PathId, project_id: PathId) -> Project:
    """One project."""
    return find(_projects(organization_id), project_id)


@router.post("", auth=write, response={201: ProjectOut})
def create_project(
    request: HttpRequest, response: HttpResponse, organization_id: PathId, body: NewProject
) -> Project:
    """Create a project; its code is unique in the organization."""
    project = changes.create(Project(organization_id=organization_id, **body.model_dump()))
    response["Location"] = f"{request.path}/{project.pk}"
    return project


@router.patch("/{project_id}", auth=write, response=ProjectOut)
def change_project(
    request: HttpRequest, organization_id: PathId, project_id: PathId, body: ProjectChanges
) -> Project:
    """Change a project."""
    project = find(_projects(organization_id), project_id)
    return changes.update(project, **body.model_dump(exclude_unset=True))
