"""Imports: upload a file, answer what it asks, approve its plan, watch it, take it back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import File, Form, Header, Path, Query, Router
from ninja.files import UploadedFile
from pydantic import AwareDatetime, Field

from jobs.families.transfers.errors import NotThere
from jobs.families.transfers.imports import decide, planned, report
from jobs.families.transfers.imports.errors import ImportRefused, UploadRefused
from jobs.families.transfers.imports.states import ImportState
from jobs.families.transfers.imports.upload import PERMISSIONS, upload
from jobs.families.transfers.imports.work import JOB_TYPES
from jobs.families.transfers.models import Import, ImportKind, IssueLevel, RowIssue
from jobs.families.transfers.rules.choices import InvalidChoice
from tenancy import uploads
from tenancy.access import Permission, may, require
from tenancy.acting import current
from tenancy.api.fields import UNCHANGED, Body, Out, PathId
from tenancy.api.pages import Items, Page, PageQuery, UuidPageQuery, find, page
from tenancy.api.permission import ServiceToken, UploadToken
from tenancy.api.problems import Problem, ProblemDetails, cut_off, not_found, refused
from tenancy.models import Organization

router = Router(tags=["imports"])
read = ServiceToken(Permission.TRANSFER_VIEW)
write = ServiceToken(Permission.TRANSFER_IMPORT)
send = UploadToken(Permission.TRANSFER_IMPORT)

Key = Annotated[str, Field(max_length=128, pattern=r"^[\x21-\x7e]*$")]
Code = Annotated[str, Field(max_length=64, pattern=r"^[a-z0-9_]+$")]
Which = Literal[
    "bad",
    "all",
    "committed",
    "failed",
    "not_attempted",
    "planned_added",
    "planned_changed",
    "planned_removed",
]


class NewImport(Body):
    """What goes with the file."""

    kind: ImportKind = ImportKind.TIMELINE
    mode: Literal["update", "sync", "replace"] = UNCHANGED
    acceptance: Literal["valid_rows", "all_rows"] = UNCHANGED
    choices: Annotated[
        str, Field(max_length=100_000, description="A JSON object: see `choices` of an import.")
    ] = ""
    approve: Annotated[
        bool, Field(description="Commit once the dry run finds nothing that a person must confirm.")
    ] = False


class Once(Body):
    """A name for the request, so that it can be repeated without a second import."""

    idempotency_key: Key = Field(default="", alias="Idempotency-Key")


class ImportQuery(UuidPageQuery):
    """Which imports; every filter is an exact match."""

    state: ImportState = UNCHANGED
    kind: ImportKind = UNCHANGED


class IssueQuery(PageQuery):
    """Which issues; every filter is an exact match."""

    code: Code = UNCHANGED
    level: IssueLevel = UNCHANGED


class ReportQuery(Body):
    """Which rows."""

    which: Which = "bad"


class ChangesQuery(Body):
    """Which of what the plan would do."""

    kind: Literal["added", "changed", "removed"]


class Decisions(Body):
    """How the file is to be read and mapped; what is left out stays as it was decided before."""

    choices: dict[str, Any]


class Approval(Body):
    """What somebody confirms: the codes with which an approval was refused before."""

    confirm: Annotated[list[Literal["too_many_errors", "same_as_before"]], Field(max_length=10)] = (
        Field(default_factory=list)
    )
    removals: Annotated[
        int | None,
        Field(ge=0, description="How many people or entries it removes: asked for where many."),
    ] = None


class ImportOut(Out):
    """An import: where it stands and what is known of its file."""

    id: UUID
    kind: ImportKind
    state: ImportState
    reason: str = Field(description="Why it was rejected or stopped: a word that never changes.")
    file_name: str
    file_bytes: int
    file_sha256: str
    same_as: UUID | None = Field(description="A completed import of the same bytes.")
    plan: dict[str, Any] | None = Field(description="Rows by outcome, of the dry run.")
    done: dict[str, Any] = Field(description="Rows by outcome, as committed so far.")
    undo: dict[str, Any] | None = Field(description="Entries by outcome, as taken back so far.")
    progress: dict[str, Any] = Field(
        description="Of the phase under way: phase, rows, total, rows_per_second, errors, "
        "remaining_seconds; written at most once a second."
    )
    actor_id: str
    approved_by: str
    created_at: AwareDatetime
    approved_at: AwareDatetime | None
    finished_at: AwareDatetime | None


class ImportWithSurvey(ImportOut):
    """An import with what was found in its file, asked about it and decided."""

    problem: dict[str, Any] | None = Field(description="The issue that rejected or stopped it.")
    questions: list[dict[str, Any]] = Field(description="What has to be chosen before it goes on.")
    survey: dict[str, Any] | None = Field(
        description="Format, encoding, delimiter, sheets, columns, rows, a sample, date formats."
    )
    choices: dict[str, Any] = Field(description="All that is decided, as `choices` takes it.")
    issue_counts: list[dict[str, Any]] = Field(
        description="How many issues of each level, code and column: exact."
    )

    @staticmethod
    def resolve_questions(row: Import) -> list[dict[str, Any]]:
        """Those of the survey, while they wait for an answer."""
        is_asking = row.state == ImportState.CHECKED
        questions: list[dict[str, Any]] = (row.survey or {}).get("questions", [])
        return questions if is_asking else []


class KeptOut(Out):
    """Something that an undo would leave as it is, and why."""

    code: str
    message: str
    row: int
    detail: dict[str, Any]


class UndoOut(Out):
    """What an undo would do now, in entries; of a roster, in invitations and members."""

    deleted: int
    restored: int
    kept: int
    first_kept: list[KeptOut] = Field(description="The first 100 of those that are kept.")


class ChangesOut(Out):
    """What the plan would do, one line for each value."""

    kind: str
    lines: list[dict[str, str]] = Field(
        description="The first 1,000. Of a timeline: row, id, external_id, title, field, before, "
        "after; of a roster: row, mail, field, before, after."
    )
    is_cut: bool = Field(description="There may be more: all are in the report `planned_…`.")


class IssueOut(Out):
    """What is wrong with one row; `row` as a spreadsheet counts, `line` as an editor does."""

    id: int
    level: IssueLevel
    code: str
    message: str
    row: int
    line: int | None
    column: str | None
    letter: str | None
    field: str | None
    value: str | None
    detail: dict[str, Any]


def _imports(organization_id: int) -> QuerySet[Import]:
    """Those of rosters, whose every cell is about a person, only for who may import one."""
    mine = Import.objects.filter(organization_id=organization_id)
    if may(current().actor, PERMISSIONS["roster"], organization_id):
        return mine
    return mine.exclude(kind="roster")


@router.get("", auth=read, response=Page[ImportOut])
def list_imports(request: HttpRequest, organization_id: PathId, query: Query[ImportQuery]) -> Items:
    """Imports, newest first."""
    wanted = {name: getattr(query, name) for name in ("state", "kind")}
    rows = _imports(organization_id).filter(
        **{name: value for name, value in wanted.items() if value is not None}
    )
    return page(rows, query, request)


@router.post("", auth=send, response={202: ImportWithSurvey})
def create_import(
    request: HttpRequest,
    response: HttpResponse,
    organization_id: PathId,
    file: File[UploadedFile],
    form: Form[NewImport],
    headers: Header[Once],
) -> Import:
    """Upload a file; a worker checks it. A roster needs `roster.import` besides.

    The same Idempotency-Key again answers with the import that it made before.
    """
    if uploads.was_cut(request):
        raise cut_off()
    with transaction.atomic():
        organization = Organization.objects.get(pk=organization_id)
        require(current().actor, PERMISSIONS[form.kind], organization)
    if form.kind not in JOB_TYPES:
        raise refused("body.kind", "choice", f"Is not one of {', '.join(JOB_TYPES)}.")
    with _refusals():
        taken = upload(
            organization,
            file.name or "",
            file.chunks(),
            kind=form.kind,
            idempotency_key=headers.idempotency_key,
            declared_bytes=file.size,
            choices=_choices(form),
            approve_when_valid=form.approve,
        )
    response["Location"] = f"{request.path}/{taken.of_import.pk}"
    return taken.of_import


@router.get("/{import_id}", auth=read, response=ImportWithSurvey)
def show_import(request: HttpRequest, organization_id: PathId, import_id: Path[UUID]) -> Import:
    """One import: its state, questions, plan and progress."""
    return find(_imports(organization_id), import_id)


@router.get("/{import_id}/issues", auth=read, response=Page[IssueOut])
def list_import_issues(
    request: HttpRequest, organization_id: PathId, import_id: Path[UUID], query: Query[IssueQuery]
) -> Items:
    """What is wrong with its rows, in the order of the file: the first 100,000 issues."""
    of = find(_imports(organization_id), import_id)
    rows = RowIssue.objects.filter(organization_id=organization_id, of_import=of)
    wanted = {name: getattr(query, name) for name in ("code", "level")}
    return page(
        rows.filter(**{name: value for name, value in wanted.items() if value is not None}),
        query,
        request,
        oldest_first=True,
    )


@router.get("/{import_id}/changes", auth=read, response=ChangesOut)
def list_planned_changes(
    request: HttpRequest,
    organization_id: PathId,
    import_id: Path[UUID],
    query: Query[ChangesQuery],
) -> ChangesOut:
    """What the plan would add, change or remove, value by value. For whoever may import."""
    of = find(_imports(organization_id), import_id)
    require(current().actor, PERMISSIONS[of.kind], organization_id)
    lines = planned.first(of, query.kind)
    return ChangesOut(kind=query.kind, lines=lines, is_cut=len(lines) == planned.MOST_SHOWN)


@router.post("/{import_id}/choices", auth=write, response=ImportWithSurvey)
def choose_for_import(
    request: HttpRequest, organization_id: PathId, import_id: Path[UUID], body: Decisions
) -> Import:
    """Decide how the file is read and mapped; it is checked again, and a plan there was is void."""
    of = find(_imports(organization_id), import_id)
    with _refusals():
        return decide.choose(of, {**of.choices, **body.choices, "kind": of.kind})


@router.post("/{import_id}/approve", auth=write, response=ImportWithSurvey)
def approve_import(
    request: HttpRequest, organization_id: PathId, import_id: Path[UUID], body: Approval
) -> Import:
    """Have the plan committed. A 409 says with its code what is to be confirmed first."""
    with _refusals():
        return decide.approve(
            find(_imports(organization_id), import_id),
            confirm_errors="too_many_errors" in body.confirm,
            again="same_as_before" in body.confirm,
            confirm_removals=body.removals,
        )


@router.post("/{import_id}/cancel", auth=write, response=ImportWithSurvey)
def cancel_import(request: HttpRequest, organization_id: PathId, import_id: Path[UUID]) -> Import:
    """End it: a dry run within a second, a commit after the running chunk; what is in stays."""
    with _refusals():
        return decide.cancel(find(_imports(organization_id), import_id))


@router.post("/{import_id}/resume", auth=write, response=ImportWithSurvey)
def resume_import(request: HttpRequest, organization_id: PathId, import_id: Path[UUID]) -> Import:
    """Go on where it stopped."""
    with _refusals():
        return decide.resume(find(_imports(organization_id), import_id))


@router.get("/{import_id}/undo", auth=read, response={200: UndoOut, 409: ProblemDetails})
def preview_import_undo(
    request: HttpRequest, organization_id: PathId, import_id: Path[UUID]
) -> UndoOut:
    """What undoing it now would do; nothing is written. For whoever may import.

    409 `too_many_to_preview` where it changed more than 100,000 entries.
    """
    with _refusals():
        found = decide.plan_undo(find(_imports(organization_id), import_id))
    return UndoOut(**found.counts, first_kept=[KeptOut(**one) for one in found.kept])


@router.post("/{import_id}/undo", auth=write, response=ImportWithSurvey)
def undo_import(request: HttpRequest, organization_id: PathId, import_id: Path[UUID]) -> Import:
    """Take back what it changed and nobody has touched since, for 30 days."""
    with _refusals():
        return decide.undo(find(_imports(organization_id), import_id))


@router.get("/{import_id}/report", auth=read, response={202: None, 307: None})
def download_import_report(
    request: HttpRequest, organization_id: PathId, import_id: Path[UUID], query: Query[ReportQuery]
) -> HttpResponse:
    """The file again, or some of its rows, with what became of each: its address, in `Location`.

    Good for three minutes. 202, with the address to ask again, while the report is being made.
    Each call asks for the permission to import and is recorded.
    """
    of = find(_imports(organization_id), import_id)
    try:
        with _refusals():
            return HttpResponse(status=307, headers={"Location": report.link(of, query.which)})
    except Problem as error:
        if error.code != "report_pending":
            raise
        again = {"Location": request.get_full_path(), "Retry-After": "1"}
        return HttpResponse(status=202, headers=again)


def _choices(form: NewImport) -> dict[str, Any]:
    try:
        given = json.loads(form.choices or "{}")
    except ValueError as error:
        raise refused("body.choices", "json", f"Is not JSON: {error}.") from error
    if not isinstance(given, dict):
        raise refused("body.choices", "not_object", "Is JSON, but not an object.")
    plain = form.model_dump(include={"mode", "acceptance"}, exclude_unset=True)
    return given | plain | {"kind": form.kind}


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn what an import refuses into problems."""
    try:
        yield
    except InvalidChoice as error:
        field = ".".join(filter(None, ("body", "choices", error.name)))
        raise refused(field, "choice", str(error)) from error
    except UploadRefused as error:
        status = 413 if error.code == "file_too_large" else 409
        raise Problem(status, error.code, str(error), facts=error.facts) from error
    except ImportRefused as error:
        raise Problem(409, error.code, str(error), facts=error.facts) from error
    except NotThere as error:
        raise not_found() from error
