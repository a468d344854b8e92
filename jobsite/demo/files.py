"""The steps of the demo's check that bring files in and out; imported as `journey` is."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from jobs.families.transfers.exports import request
from jobs.families.transfers.imports import decide
from jobs.families.transfers.imports.upload import upload
from jobs.families.transfers.models import Export, Import, RowIssue
from jobs.families.transfers.store import store
from jobsite.demo.journey import Cast
from tenancy.acting import acting
from tenancy.models import TimelineEntry
from tenancy.scope import scope

HEADER = "external_id,mission,kind,title,starts_at"
GOOD = (
    "D-1,MSN-1,note,Divers briefed,2026-05-01T08:00:00Z",
    'D-2,MSN-1,note,"Pumps, two of them",2026-05-02T08:00:00Z',
)
BAD = (
    "D-3,MSN-1,note,Crane ordered,2026-02-30T08:00:00Z",
    "D-4,MSN-9,note,Crane here,2026-05-03T08:00:00Z",
)
MENDED = (
    "D-3,MSN-1,note,Crane ordered,2026-02-28T08:00:00Z",
    "D-4,MSN-1,note,Crane here,2026-05-03T08:00:00Z",
)
FOUND = {(4, "starts_at", "datetime"), (5, "mission", "unknown_reference")}
"""What is wrong with BAD behind GOOD: row, field and code."""


def lines(*rows: str) -> bytes:
    """A file of these rows, below its header."""
    return "\r\n".join([HEADER, *rows, ""]).encode()


def send(
    one: Cast, name: str, content: bytes, *, approve: bool = False, mode: str = "update"
) -> Import:
    """The editor of an organization uploads a file."""
    with _as_editor(one):
        choices = {"mode": mode}
        taken = upload(
            one.organization, name, [content], approve_when_valid=approve, choices=choices
        )
        return taken.of_import


def approve(one: Cast, of: Import, *, removals: int | None = None) -> None:
    """The editor has seen the plan: that some rows stay out, or that so many entries go."""
    with _as_editor(one):
        decide.approve(of, confirm_errors=True, confirm_removals=removals)


def undo(one: Cast, of: Import) -> None:
    """The editor takes it back."""
    with _as_editor(one):
        decide.undo(of)


def issues(of: Import) -> set[tuple[int, str | None, str]]:
    """What was found wrong with the file: row, field and code."""
    with _looking(of.organization_id):
        mine = RowIssue.objects.filter(organization_id=of.organization_id, of_import=of)
        return set(mine.values_list("row", "field", "code"))


def entries(one: Cast) -> int:
    """Entries of the timeline that came by file."""
    with _looking(one.organization.pk):
        mine = TimelineEntry.objects.filter(organization=one.organization)
        return mine.filter(external_id__startswith="D-").count()


def ask(one: Cast, format_name: str) -> Export:
    """The editor asks for the timeline of the organization."""
    with _as_editor(one), transaction.atomic():
        return request.ask(one.organization.pk, kind="timeline", format_name=format_name)


def content(of: Export) -> bytes:
    """The file that was written."""
    return b"".join(store().open(now(of).object_key))


def now[Row: (Import, Export)](of: Row) -> Row:
    """It, as it stands."""
    with _looking(of.organization_id):
        rows: Any = type(of)._base_manager.filter(organization_id=of.organization_id)
        return rows.get(pk=of.pk)  # type: ignore[no-any-return]


@contextmanager
def _as_editor(one: Cast) -> Iterator[None]:
    with (
        acting(one.editor, source="web", correlation_id=str(uuid.uuid4())),
        scope(one.organization),
    ):
        yield


@contextmanager
def _looking(organization_id: int) -> Iterator[None]:
    with scope(organization_id), transaction.atomic():
        yield
