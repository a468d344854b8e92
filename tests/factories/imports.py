"""Imports, as the doors and the workers of `transfers.imports` leave them behind."""

from collections.abc import Callable, Iterable
from typing import Any, Concatenate
from uuid import uuid4

from django.db import transaction

from jobs.families.transfers.imports import upload
from jobs.families.transfers.models import (
    Import,
    ImportChunk,
    JournalChange,
    RowIssue,
    SavedMapping,
)
from tenancy.acting import Actor, acting
from tenancy.models import Organization, User
from tenancy.scope import scope
from tests.factories import tenancy


def import_row(of: Organization, **values: Any) -> Import:
    """A row of an import whose file nobody has; for what looks at rows alone."""
    values = {
        "kind": "timeline",
        "file_name": "timeline.csv",
        "file_bytes": 1,
        "file_sha256": uuid4().hex * 2,
        "actor_id": "system",
        "correlation_id": uuid4().hex,
    } | values
    with scope(of), transaction.atomic():
        return Import.objects.create(organization=of, **values)


def import_with_rows_everywhere(of: Organization | None = None) -> Import:
    """One that has left a row in each table of the family."""
    of = of or tenancy.organization()
    made = import_row(of)
    mine: dict[str, Any] = {"organization": of}
    counts = dict.fromkeys(("added", "changed", "unchanged", "removed", "failed"), 0)
    with scope(of), transaction.atomic():
        RowIssue.objects.create(
            **mine, of_import=made, level="row", code="required", message="Empty.", row=2
        )
        ImportChunk.objects.create(
            **mine,
            **counts,
            of_import=made,
            number=1,
            first_row=2,
            last_row=2,
            changes_sha256="0" * 64,
            job_id=uuid4(),
        )
        JournalChange.objects.create(
            **mine, import_id=made.pk, chunk=1, kind="changed", entity_id=1, before={}
        )
        SavedMapping.objects.create(
            **mine, kind="timeline", fingerprint="0" * 64, choices={}, actor_id="system"
        )
    return made


HEADER = "external_id,mission,kind,title,starts_at,ends_at,location,notes"


def line(key: str, mission: str, **values: str) -> str:
    """One row of a timeline's file."""
    row = {
        "kind": "note",
        "title": f"Title of {key}",
        "starts_at": "2026-03-01T09:00:00Z",
        "ends_at": "",
        "location": "",
        "notes": "",
    } | values
    return ",".join([key, mission, *row.values()])


def csv(*lines: str, header: str = HEADER) -> bytes:
    """A file of these rows."""
    return "\n".join([header, *lines, ""]).encode()


def uploaded(
    file: bytes,
    *,
    by: User | None = None,
    of: Organization | None = None,
    **more: Any,
) -> Import:
    """An import whose file was just taken in, by an editor of the organization."""
    of = of or tenancy.organization()
    by = by or tenancy.member(of, "editor")
    name = more.pop("file_name", "timeline.csv")
    with scope(of), acting(Actor.user(by.pk), source="web"):
        return upload.upload(of, name, [file], **more).of_import


def decide[**P](
    deed: Callable[Concatenate[Import, P], Import], of: Import, *args: P.args, **more: P.kwargs
) -> Import:
    """What a person decides, in the name of whoever the import's actor is."""
    with scope(of.organization_id), acting(Actor.parse(of.actor_id), source="web"):
        return deed(of, *args, **more)


def now(of: Import) -> Import:
    """The import as it is by now."""
    with scope(of.organization_id), transaction.atomic():
        return Import.objects.get(pk=of.pk)


def issues(of: Import, places: Iterable[tuple[int, str]]) -> None:
    """Errors of these rows, each with its code."""
    with scope(of.organization_id), transaction.atomic():
        for row, code in places:
            RowIssue.objects.create(
                organization_id=of.organization_id,
                of_import=of,
                level="row",
                code=code,
                message=f"Says {code}.",
                row=row,
            )


COLUMNS = ("external_id", "mission", "When", "organization_id")


def asking(of: Organization, text: str = "text") -> Import:
    """One that waits for answers, with `text` wherever a file can put it."""
    question = {"level": "question", "code": "column_undecided", "message": f"Says {text}."}
    survey = {
        "complete": True,
        "format": "csv",
        "encoding": "utf-8",
        "delimiter": ",",
        "encodings_proposed": [{"encoding": "cp1252", "sample": [text]}],
        "sheets": [{"name": text, "hidden": True, "filled": True}],
        "columns": [
            {"index": index, "letter": "ABCDE"[index], "name": name}
            for index, name in enumerate([*COLUMNS, text])
        ],
        "rows": 2,
        "sample": [[text] * 5],
        "date_formats": {
            "2": {
                "left": ["DD/MM/YYYY", "MM/DD/YYYY"],
                "options": ["DD/MM/YYYY", "MM/DD/YYYY"],
                "conflict": None,
                "examples": [text],
            }
        },
        "questions": [question | {"letter": "C", "column": text}],
        "warnings": [question | {"letter": "D", "column": text}],
    }
    made = import_row(
        of,
        state="checked",
        file_name=text,
        survey=survey,
        choices={"kind": "timeline", "columns": {"0": "external_id"}},
        issue_counts=[{"level": "row", "code": "required", "column": text, "count": 1}],
    )
    issues(made, [(2, "required")])
    with scope(of), transaction.atomic():
        RowIssue.objects.filter(of_import=made).update(message=text, column=text, value=text)
    return made
