"""Search of missions and projects."""

from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from jobs.families.search import cursors
from jobs.families.search.errors import IndexChanged, QueryRefused
from jobs.families.search.find import Filters, Hit, search
from jobs.families.search.query import MOST_CHARACTERS
from tenancy.access import Permission
from tenancy.api.fields import UNCHANGED, Id, Out, PathId
from tenancy.api.pages import Limit, Page
from tenancy.api.permission import ServiceToken
from tenancy.api.problems import Problem, ProblemDetails, refused
from tenancy.models import Mission, MissionState, ProjectState
from tenancy.scope import current_scope

router = Router(tags=["search"])
read = ServiceToken(Permission.MISSION_VIEW)


class SearchQuery(Schema):
    """What to find, and which of it."""

    q: Annotated[
        str,
        Field(
            description=f"Words that are all to be found, at most {MOST_CHARACTERS} characters; "
            'the last may be the beginning of one. "In quotes" one behind the other; -without.',
        ),
    ]
    kind: Literal["mission", "project"] = UNCHANGED
    project_id: Id = UNCHANGED
    state: MissionState | ProjectState = UNCHANGED
    limit: Limit = 20
    cursor: Annotated[str, Field(pattern=cursors.PATTERN)] = UNCHANGED


class HitOut(Out):
    """A mission or a project that was found."""

    kind: Literal["mission", "project"]
    id: int
    project_id: int
    reference: str = Field(description="Of a mission its reference, of a project its code.")
    title: str = Field(description="Of a mission its title, of a project its name.")
    state: str
    score: float = Field(description="Higher is better; comparable within one search only.")


@router.get("", auth=read, response={200: Page[HitOut], 410: ProblemDetails})
def search_documents(
    request: HttpRequest, organization_id: PathId, query: Query[SearchQuery]
) -> dict[str, object]:
    """Missions and projects that match, the best first; a page can be short and have a next one.

    A cursor is good until the index is built anew: then 410 `index_changed`.
    """
    scope = current_scope()
    assert scope is not None  # the door opened it
    filters = Filters(kind=query.kind, project_id=query.project_id, state=query.state)
    try:
        found = search(scope, query.q, filters, cursor=query.cursor, limit=query.limit)
    except QueryRefused as error:
        raise refused("query.q", error.word, str(error)) from error
    except IndexChanged as error:
        raise Problem(410, "index_changed", str(error)) from error
    return {"items": [_shown(hit) for hit in found.hits], "next": _address(request, found.next)}


def _shown(hit: Hit) -> dict[str, object]:
    one = hit.entity
    about = {"kind": hit.kind.value, "id": one.pk, "state": one.state, "score": hit.score}
    if isinstance(one, Mission):
        told = {"project_id": one.project_id, "reference": one.reference, "title": one.title}
    else:
        told = {"project_id": one.pk, "reference": one.code, "title": one.name}
    return about | told


def _address(request: HttpRequest, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    query = request.GET.copy()
    query["cursor"] = cursor
    return f"{request.path}?{query.urlencode()}"
