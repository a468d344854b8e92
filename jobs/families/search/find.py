"""Find missions and projects of one organization.

The index only proposes. Every match is loaded again from the database, inside the scope and with
the rights that whoever asks has now: an index that is behind can hide something, it cannot show
what nobody may see.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jobs.families.search import cursors, generations, query
from jobs.families.search.backends import Generation, Match
from jobs.families.search.backends.choose import backend
from jobs.families.search.errors import IndexChanged
from jobs.families.search.models import Kind
from tenancy.access import Permission, permissions_of
from tenancy.acting import current
from tenancy.errors import AccessDenied, NoScope
from tenancy.models import Mission, Organization, Project
from tenancy.scope import APP, Scope

AT_ONCE = 200
"""Matches that are looked up together."""
MOST_LOOKS = 5
"""For one page: if filters leave too few of so many, the page is short and the next goes on."""

_NEEDED = {Kind.MISSION: Permission.MISSION_VIEW, Kind.PROJECT: Permission.PROJECT_VIEW}


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Which of the matches; None for all. They hold for what the database says now.

    kind: "mission" or "project". project_id: missions of it, and itself. state: of either.
    """

    kind: str | None = None
    project_id: int | None = None
    state: str | None = None


@dataclass(frozen=True, kw_only=True)
class Hit:
    """Something that was found, as the database has it."""

    kind: Kind
    entity: Mission | Project
    score: float


@dataclass(frozen=True, kw_only=True)
class Found:
    """A page of hits, the best first. next: the cursor of the page after, None at the end."""

    hits: list[Hit]
    next: str | None


def search(
    scope: Scope,
    text: str,
    filters: Filters | None = None,
    *,
    cursor: str | None = None,
    limit: int = 20,
) -> Found:
    """What of this scope's organization matches the text; see `query` for what can be asked.

    In a transaction inside the scope. Raises NoScope unless the scope is of exactly one
    organization that exists, AccessDenied where nothing of what is asked may be seen, QueryRefused,
    IndexChanged for a cursor of another generation, ValueError for what is no cursor.
    """
    filters = filters or Filters()
    organization_id = _organization(scope)
    kinds = _kinds(organization_id, filters)
    wanted = query.read(text)
    live = generations.live(organization_id)
    after = None if cursor is None else _place(cursor, live)
    hits: list[Hit] = []
    if live is None:
        return Found(hits=hits, next=None)
    for _ in range(MOST_LOOKS):
        matches = backend().search(live, wanted, kinds, after, AT_ONCE)
        loaded = _loaded(organization_id, matches, filters)
        for match in matches:
            if len(hits) == limit:
                return Found(hits=hits, next=_cursor(live, after))
            after = match.score, match.id
            entity = loaded.get((match.kind, match.entity_id))
            if entity is not None:
                hits.append(Hit(kind=Kind(match.kind), entity=entity, score=match.score))
        if len(matches) < AT_ONCE:
            return Found(hits=hits, next=None)
    return Found(hits=hits, next=_cursor(live, after))


def _place(cursor: str, live: Generation | None) -> tuple[float, int]:
    number, score, document_id = cursors.read(cursor)
    if live is None or number != live.number:
        raise IndexChanged
    return score, document_id


def _cursor(live: Generation, after: tuple[float, int] | None) -> str | None:
    return None if after is None else cursors.write(live.number, *after)


def _organization(scope: Scope) -> int:
    if scope.role != APP or len(scope.organizations) != 1:
        raise NoScope("The search index", why="outside a scope of exactly one organization")
    [organization_id] = scope.organizations
    if not Organization.objects.filter(pk=organization_id).exists():
        raise NoScope("The search index", why="for an organization that is not there")
    return organization_id


def _kinds(organization_id: int, filters: Filters) -> list[str]:
    actor = current().actor
    held = permissions_of(actor, organization_id)
    asked = [kind for kind in Kind if filters.kind in (None, kind)]
    kinds = [kind for kind in asked if _NEEDED[kind] in held]
    if not kinds:
        raise AccessDenied(str(actor), Permission.MISSION_VIEW, f"organization {organization_id}")
    return [kind.value for kind in kinds]


def _loaded(
    organization_id: int, matches: Sequence[Match], filters: Filters
) -> dict[tuple[str, int], Mission | Project]:
    ids: dict[str, list[int]] = {kind: [] for kind in Kind}
    for match in matches:
        ids[match.kind].append(match.entity_id)
    only: dict[str, Any] = {} if filters.state is None else {"state": filters.state}
    missions = Mission.objects.filter(organization_id=organization_id, **only)
    projects = Project.objects.filter(organization_id=organization_id, **only)
    if filters.project_id is not None:
        missions = missions.filter(project_id=filters.project_id)
        projects = projects.filter(pk=filters.project_id)
    found: dict[tuple[str, int], Mission | Project] = {}
    for mission in missions.filter(pk__in=ids[Kind.MISSION]).select_related("project"):
        found[Kind.MISSION, mission.pk] = mission
    for project in projects.filter(pk__in=ids[Kind.PROJECT]):
        found[Kind.PROJECT, project.pk] = project
    return found
