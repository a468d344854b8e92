"""Exports: ask for one, watch it, cancel it, get its file."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router
from pydantic import AwareDatetime, Field

from jobs.errors import NotInState
from jobs.families.transfers.errors import NotThere
from jobs.families.transfers.exports import request as exports
from jobs.families.transfers.exports.formats import FORMATS
from jobs.families.transfers.exports.statement import SOURCES
from jobs.families.transfers.models import Export, ExportState, ImportKind
from tenancy.access import Permission
from tenancy.api.fields import UNCHANGED, Body, Line, Moment, Out, PathId, Reference
from tenancy.api.pages import Items, Page, UuidPageQuery, find, page
from tenancy.api.permission import ServiceToken
from tenancy.api.problems import Problem, not_found, refused
from tenancy.models import Collaborator, Mission, Project

router = Router(tags=["exports"])
read = ServiceToken(Permission.TRANSFER_VIEW)
write = ServiceToken(Permission.TRANSFER_EXPORT)

Kind = Literal["timeline", "roster"]
FIELDS = sorted({column.name for source in SOURCES.values() for column in source.columns})
FieldName = Annotated[str, Field(json_schema_extra={"enum": FIELDS})]
FormatName = Annotated[str, Field(json_schema_extra={"enum": sorted(FORMATS)})]


class Filters(Body):
    """Which rows; all of them without any. `status` is of rosters, the others of timelines."""

    project_id: Reference = UNCHANGED
    mission_id: Reference = UNCHANGED
    kind: Annotated[Line, Field(max_length=32)] = UNCHANGED
    starts_from: Moment = UNCHANGED
    starts_until: Annotated[Moment, Field(description="Before this moment.")] = UNCHANGED
    status: Collaborator.Status = UNCHANGED


class NewExport(Body):
    """An export to write."""

    kind: Kind
    format: FormatName = "csv"
    fields: Annotated[
        list[FieldName],
        Field(max_length=len(FIELDS), description="Columns in their order; all without any."),
    ] = Field(default_factory=list)
    filters: Filters = Field(default_factory=Filters)


class ExportQuery(UuidPageQuery):
    """Which exports; every filter is an exact match."""

    state: ExportState = UNCHANGED
    kind: ImportKind = UNCHANGED


class ExportOut(Out):
    """An export: how far it has got, and what came of it."""

    id: UUID
    kind: ImportKind
    format: str
    fields: list[str]
    filters: dict[str, Any]
    state: ExportState
    error: str = Field(description="Why it failed: a word that never changes.")
    total: int | None = Field(description="Rows in all, once its snapshot is open.")
    rows: int = Field(description="Rows written so far, told once a second.")
    bytes: int
    sha256: str
    file_name: str
    job_id: UUID | None
    created_at: AwareDatetime
    snapshot_at: AwareDatetime | None = Field(description="The moment that the file shows.")
    cancel_requested_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    expires_at: AwareDatetime | None = Field(description="Until then the file can be downloaded.")


class ExportWithManifest(ExportOut):
    """An export with what stands beside its file."""

    manifest: dict[str, Any] | None


def _exports(organization_id: int) -> QuerySet[Export]:
    return Export.objects.filter(organization_id=organization_id)


@router.get("", auth=read, response=Page[ExportOut])
def list_exports(request: HttpRequest, organization_id: PathId, query: Query[ExportQuery]) -> Items:
    """Exports, newest first."""
    wanted = {name: getattr(query, name) for name in ("state", "kind")}
    rows = _exports(organization_id).filter(
        **{name: value for name, value in wanted.items() if value is not None}
    )
    return page(rows, query, request)


@router.post("", auth=write, response={202: ExportOut})
def create_export(
    request: HttpRequest, response: HttpResponse, organization_id: PathId, body: NewExport
) -> Export:
    """Ask for an export; a worker writes it. A roster needs `roster.export` besides."""
    if len(set(body.fields)) < len(body.fields):
        raise refused("body.fields", "duplicate", "A column can be in the file once.")
    export = exports.ask(
        organization_id,
        kind=body.kind,
        format_name=_known("format", body.format, FORMATS),
        fields=[_known("fields", one, _columns(body.kind)) for one in body.fields],
        filters=_filters(organization_id, body),
    )
    response["Location"] = f"{request.path}/{export.pk}"
    return find(_exports(organization_id), export.pk)


@router.get("/{export_id}", auth=read, response=ExportWithManifest)
def show_export(request: HttpRequest, organization_id: PathId, export_id: Path[UUID]) -> Export:
    """One export, with its progress."""
    return find(_exports(organization_id), export_id)


@router.post("/{export_id}/cancel", auth=write, response=ExportOut)
def cancel_export(request: HttpRequest, organization_id: PathId, export_id: Path[UUID]) -> Export:
    """Write it no further: one that waits never starts, one that runs ends within a second or so.

    A running one stays `running` until it has; its `cancel_requested_at` tells of the request.
    """
    try:
        return exports.cancel(find(_exports(organization_id), export_id))
    except NotInState as error:
        raise Problem(409, "not_in_state", str(error)) from error


@router.get("/{export_id}/file", auth=read, response={307: None})
def download_export(
    request: HttpRequest, response: HttpResponse, organization_id: PathId, export_id: Path[UUID]
) -> HttpResponse:
    """The address of the file, in `Location`: good for three minutes, for this file alone.

    Each call asks for the permission to export and is recorded. 404 once the file is removed.
    """
    try:
        url = exports.download(find(_exports(organization_id), export_id))
    except NotThere as error:
        raise not_found() from error
    except NotInState as error:
        raise Problem(409, "not_in_state", str(error)) from error
    return HttpResponse(status=307, headers={"Location": url})


def _columns(kind: Kind) -> dict[str, str]:
    return {one.name: one.type for one in SOURCES[kind].columns}


def _known(field: str, value: str, among: Any) -> str:
    if value not in among:
        text = f"Is not one of {', '.join(sorted(among))}."
        raise refused(f"body.{field}", "choice", text)
    return value


def _filters(organization_id: int, body: NewExport) -> dict[str, Any]:
    given = body.filters.model_dump(exclude_unset=True)
    for name in given:
        if name not in SOURCES[body.kind].filters:
            text = f"Is no filter of a {body.kind}."
            raise refused(f"body.filters.{name}", "choice", text)
    for name, model in (("project_id", Project), ("mission_id", Mission)):
        if name not in given:
            continue
        theirs = model._default_manager.filter(organization_id=organization_id, pk=given[name])
        if not theirs.exists():
            raise refused(f"body.filters.{name}", "unknown_reference", "There is no such thing.")
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in given.items()
    }
