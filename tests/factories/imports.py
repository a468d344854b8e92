"""Imports, as the doors and the workers of `transfers.imports` leave them behind."""

from typing import Any
from uuid import uuid4

from django.db import transaction

from jobs.families.transfers.models import (
    Import,
    ImportChunk,
    JournalChange,
    RowIssue,
    SavedMapping,
)
from tenancy.models import Organization
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
