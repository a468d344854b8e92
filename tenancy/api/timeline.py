"""The timeline of a mission: list, show, create, change and delete its entries."""

from typing import Annotated

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import AwareDatetime, Field

from tenancy import changes
from tenancy.access import Permission
from tenancy.api.fields import UNCHANGED, Body, Composed, Line, Moment, Out, PathId, Prose
from tenancy.api.missions import Title, missions
from tenancy.api.pages import Items, Page, PageQuery, find, page
from tenancy.api.permission import ServiceToken
from tenancy.api.problems import refused
from tenancy.models import TimelineEntry

router = Router(tags=["timeline"])
read, write = ServiceToken(Permission.MISSION_VIEW), ServiceToken(Permission.MISSION_EDIT)

ExternalId = Annotated[Line, Field(max_length=128)]
Kind = Annotated[Line, Field(max_length=32)]
Location = Annotated[str, Field(max_length=300, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$"), Composed]


class NewEntry(Body):
    """A timeline entry to create."""

    external_id: ExternalId | None = None
    kind: Kind = "note"
    title: Title
    starts_at: Moment
    ends_at: Moment | None = None
    location: Location = ""
    notes: Prose = ""


class EntryChanges(Body):
    """What to change of an entry; what is left out stays."""

    external_id: ExternalId | None = UNCHANGED
    kind: Kind = UNCHANGED
    title: Title = UNCHANGED
    starts_at: Moment = UNCHANGED
    ends_at: Moment | None = UNCHANGED
    location: Location = UNCHANGED
    notes: Prose = UNCHANGED


class EntryOut(Out):
    """A timeline entry."""

    id: int
    mission_id: int
    external_id: str | None
    kind: str
    title: str
    starts_at: AwareDatetime
    ends_at: AwareDatetime | None
    location: str
    notes: str


def _entries(organization_id: int, mission_id: int) -> QuerySet[TimelineEntry]:
    mission = find(missions(organization_id), mission_id)
    return TimelineEntry.objects.filter(organization_id=organization_id, mission=mission)


@router.get("", auth=read, response=Page[EntryOut])
def list_entries(
    request: HttpRequest, organization_id: PathId, mission_id: PathId, query: Query[PageQuery]
) -> Items:
    """Entries of a mission, newest first."""
    return page(_entries(organization_id, mission_id), query, request)


@router.get("/{entry_id}", auth=read, response=EntryOut)
def show_entry(
    request: HttpRequest, organization_id: PathId, mission_id: PathId, entry_id: PathId
) -> TimelineEntry:
    """One entry."""
    return find(_entries(organization_id, mission_id), entry_id)


@router.post("", auth=write, response={201: EntryOut})
def create_entry(
    request: HttpRequest,
    response: HttpResponse,
    organization_id: PathId,
    mission_id: PathId,
    body: NewEntry,
) -> TimelineEntry:
    """Add an entry; an external_id is unique in the organization."""
    mission = find(missions(organization_id), mission_id)
    entry = TimelineEntry(organization_id=organization_id, mission=mission, **body.model_dump())
    _check_order(entry)
    changes.create(entry)
    response["Location"] = f"{request.path}/{entry.pk}"
    return entry


@router.patch("/{entry_id}", auth=write, response=EntryOut)
def change_entry(
    request: HttpRequest,
    organization_id: PathId,
    mission_id: PathId,
    entry_id: PathId,
    body: EntryChanges,
) -> TimelineEntry:
    """Change an entry."""
    entry = find(_entries(organization_id, mission_id), entry_id)
    changed = changes.update(entry, **body.model_dump(exclude_unset=True))
    _check_order(changed)
    return changed


@router.delete("/{entry_id}", auth=write, response={204: None})
def delete_entry(
    request: HttpRequest, organization_id: PathId, mission_id: PathId, entry_id: PathId
) -> None:
    """Delete an entry."""
    changes.delete(find(_entries(organization_id, mission_id), entry_id))


def _check_order(entry: TimelineEntry) -> None:
    if entry.ends_at is not None and entry.ends_at < entry.starts_at:
        raise refused("body.ends_at", "order", "An entry cannot end before it starts.")
