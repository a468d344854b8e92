"""What the one transaction of a roster did, for the audit and for undo.

Of each person whose right it changed the row as it was; of each whom it invited the invitation's
id. A revoked invitation leaves no way back: its link is dead, and only a new one can be sent.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from audit.record import record
from jobs.execution.job import Run
from jobs.families.transfers.imports.rosters.people import People
from jobs.families.transfers.imports.work import ImportWork
from jobs.families.transfers.models import Import, ImportChunk, JournalChange, JournalKind
from tenancy.models import Membership
from tenancy.roster import Step

CHUNK = 1


def write(run: Run[ImportWork], of: Import, steps: Sequence[Step], people: People) -> None:
    """Note the steps that were carried out, and tell of them in one event."""
    invited = [step for step in steps if step.invited is not None]
    JournalChange.objects.bulk_create(
        JournalChange(
            organization_id=of.organization_id,
            import_id=of.pk,
            chunk=CHUNK,
            row=row.row if (row := people.listed.get(step.email)) else None,
            kind=JournalKind.CHANGED if row else JournalKind.REMOVED,
            entity_id=step.row.pk,
            before={"role": step.row.role, "is_active": step.was_active},
            digest_after=digest(step.role, is_active=step.active),
        )
        for step in steps
        if isinstance(step.row, Membership)
    )
    chunk = ImportChunk.objects.create(
        organization_id=of.organization_id,
        of_import=of,
        number=CHUNK,
        first_row=min((row.row for row in people.listed.values()), default=0),
        last_row=people.last_row,
        **{name: of.done[name] for name in ("added", "changed", "unchanged", "removed", "failed")},
        added_ids=[step.invited.pk for step in invited if step.invited],
        added_rows=[people.listed[step.email].row for step in invited],
        added_digests=b"".join(digest(step.role, is_active=True) for step in invited),
        changes_sha256=sha256_of(_lines(steps)),
        job_id=run.job.ref.job_id,
    )
    tell("import.chunk_committed", of, chunk)


def write_undo(
    run: Run[ImportWork],
    of: Import,
    steps: Sequence[Step],
    chunk: ImportChunk,
    counts: Mapping[str, int],
) -> ImportChunk:
    """Note what taking the chunk back did, as `sql/undo.sql` does."""
    return ImportChunk.objects.create(
        organization_id=of.organization_id,
        of_import=of,
        is_undo=True,
        number=chunk.number,
        first_row=chunk.first_row,
        last_row=chunk.last_row,
        added=0,
        changed=counts["restored"],
        unchanged=0,
        removed=counts["deleted"],
        failed=counts["kept"],
        changes_sha256=sha256_of(_lines(steps)),
        job_id=run.job.ref.job_id,
    )


def tell(action: str, of: Import, chunk: ImportChunk, **counts: int) -> None:
    """The chunk's audit event; each person has had one of their own."""
    names = ("added", "changed", "unchanged", "removed", "failed")
    detail: dict[str, Any] = counts or {name: getattr(chunk, name) for name in names}
    detail |= {
        "chunk": chunk.number,
        "rows": [chunk.first_row, chunk.last_row],
        "file_sha256": of.file_sha256,
        "changes_sha256": chunk.changes_sha256,
    }
    record(action, of, detail=detail)


def digest(role: str, *, is_active: bool) -> bytes:
    """16 bytes that stand for what a person may."""
    return hashlib.sha256(f"{role} {is_active}".encode()).digest()[:16]


def sha256_of(lines: Sequence[str]) -> str:
    """As `sql/chunk.sql`: one line for each change, in order."""
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def _lines(steps: Sequence[Step]) -> list[str]:
    """`{entity} {id} {deed} {digest before, or -} {digest after}`."""
    lines = []
    for step in steps:
        before = "-"
        if step.row is not None:
            before = digest(step.row.role, is_active=step.was_active).hex()
        row = step.row or step.invited
        after = digest(step.role, is_active=step.active).hex()
        lines.append(f"{type(row).__name__.lower()} {row and row.pk} {step.deed} {before} {after}")
    return lines
