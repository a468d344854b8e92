"""Commit an approved import: chunk after chunk, each exactly once, from wherever it stopped.

One transaction is a chunk: its entries, their journal, its row with the digest of all changes, its
audit event, and the checkpoint, guarded by the job's fence and by a lock on the import's row. So a
kill at any moment costs the chunk under way and nothing else: whoever goes on reads the file again,
passes what is committed, and finds the next one.

A slice ends after a while, so that others of the organization have their turn: the job settles and
the next slice is enqueued, in one transaction.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError

from audit.record import record
from jobs.errors import RetryLater
from jobs.execution.job import Run
from jobs.families.search.counter import count
from jobs.families.transfers.files.issues import Issue
from jobs.families.transfers.imports import (
    files,
    issue_log,
    reading,
    staging,
    transitions,
    unlisted,
    work,
)
from jobs.families.transfers.imports.dry_run import OUTCOMES, dry_run
from jobs.families.transfers.imports.errors import ImportStopped
from jobs.families.transfers.imports.progress import Meter
from jobs.families.transfers.imports.staging import Namer
from jobs.families.transfers.imports.statements import run as sql
from jobs.families.transfers.imports.states import ImportState
from jobs.families.transfers.imports.turn import Superseded, mine, require_allowed
from jobs.families.transfers.imports.work import ImportWork
from jobs.families.transfers.models import Import
from jobs.families.transfers.rules.choices import Choices
from jobs.families.transfers.store import store

log = structlog.get_logger(__name__)

# How often a chunk is resolved anew because somebody wrote the same entries meanwhile.
TRIES = 5
COUNTED = ("added", "changed", "unchanged", "failed")


class Raced(Exception):
    """Somebody wrote an entry of the chunk between looking and writing."""


def commit(run: Run[ImportWork], of: Import) -> None:
    """One slice. Raises what `reading` does, Superseded, and LeaseLost."""
    with reading.local(of, unchanged=True) as path:
        with run.transaction():
            transitions.in_line(of.organization_id, of.kind)
            of = _mine(run)
            if of.state == ImportState.APPROVED and not transitions.begin(of):
                log.info("import_waits_for_another")
                return
        if of.checkpoint_chunk or _is_as_approved(run, of, path):
            _slice(run, of, path)


def _is_as_approved(run: Run[ImportWork], of: Import, path: Path) -> bool:
    """Whether it would remove what was approved; else it has gone back to review."""
    if of.choices.get("mode") != "replace":
        return True
    with TemporaryDirectory(prefix="import-") as folder:
        dry = dry_run(run, of, path, Path(folder), "commit")
        approved = of.plan or {}
        if dry.plan.get("removals_sha256") == approved["removals_sha256"]:
            return True
        dry.put()
        with run.settling():
            of = _mine(run)
            dry.store(of)
            transitions.review(of, _changed(approved, dry.plan), dry.plan, dry.issue_counts)
        return False


def _changed(approved: dict[str, Any], now: dict[str, Any]) -> Issue:
    return Issue(
        level="file",
        code="plan_changed",
        message="The entries have changed since the plan was approved, and the file would now "
        "remove others. Nothing was written. Look at the new plan, and approve that.",
        detail={
            name: {"approved": approved[name], "now": now[name]}
            for name in OUTCOMES
            if approved[name] != now[name]
        },
    )


def _slice(run: Run[ImportWork], of: Import, path: Path) -> None:
    ends_at = time.monotonic() + settings.IMPORTS_SLICE_SECONDS
    choices = Choices.from_json(of.choices)
    namer = Namer(choices, (of.survey or {})["columns"])
    meter = Meter(run, of, "commit", total=(of.plan or {}).get("rows"))
    with (
        _skipped(of) as skip,
        reading.frames(run, path, "rows", _spec(of, skip)) as frames,
    ):
        for frame in frames:
            if frame.kind == "chunk":
                of = _chunk(run, frame, namer)
                meter.tell(rows=of.done["rows"], errors=of.done["failed"])
                _tell_planner(run, of)
                if time.monotonic() > ends_at:
                    _go_on_later(run)
                    return
    if not _remove_unlisted(run, of, ends_at):
        _go_on_later(run)
        return
    with run.settling():
        of = _mine(run)
        transitions.complete(of)
        if of.issue_counts or of.done.get("failed"):
            work.send_report(of, "bad")


def _remove_unlisted(run: Run[ImportWork], of: Import, ends_at: float) -> bool:
    """What a replacing file does not have, chunk by chunk; false once the slice is over."""
    if not (of.plan or {})["removed"]:
        return True
    with unlisted.rest(of, settings.IMPORTS_CHUNK_ROWS) as pieces:
        for piece in pieces:
            with run.step():
                _remove(run, piece)
            if time.monotonic() > ends_at:
                return False
    return True


def _remove(run: Run[ImportWork], piece: Sequence[dict[str, str]]) -> None:
    of = _mine(run)
    require_allowed(run)
    number = of.checkpoint_chunk + 1
    sql("by_index")
    [chunk] = sql(
        "remove",
        {
            "organization_id": of.organization_id,
            "import_id": of.pk,
            "job_id": run.job.ref.job_id,
            "number": number,
            "row": of.checkpoint_row,
            "ids": [int(line["id"]) for line in piece],
            "missions": [line["before"] for line in piece],
        },
    )
    count(of.organization_id, [("mission", one) for one in chunk.pop("mission_ids")])
    removed = of.done.get("removed", 0) + chunk["removed"]
    listed = of.done.get("unlisted", 0) + len(piece)
    _note(of, number, of.checkpoint_row, of.done | {"removed": removed, "unlisted": listed})
    detail = {"chunk": number, "file_sha256": of.file_sha256, **chunk}
    record("import.chunk_committed", of, detail=detail)


def _spec(of: Import, skip: Path) -> dict[str, Any]:
    return {
        "choices": of.choices,
        "start_row": of.checkpoint_row,
        "skip": str(skip),
        "chunk_rows": settings.IMPORTS_CHUNK_ROWS,
    }


def _chunk(run: Run[ImportWork], frame: Any, namer: Namer) -> Import:
    for _ in range(TRIES):
        try:
            with run.step():
                return _write(run, frame, namer)
        except (Raced, IntegrityError) as error:
            log.info("import_chunk_raced", error=str(error))
    raise RetryLater(
        f"The entries of rows {frame.head['first_row']} to {frame.head['last_row']} were written "
        f"by others {TRIES} times while they were compared."
    )


def _write(run: Run[ImportWork], frame: Any, namer: Namer) -> Import:
    of = _mine(run)
    require_allowed(run)
    organization = {"organization_id": of.organization_id}
    staging.stage(of.organization_id, frame.body, commits=True)
    number = of.checkpoint_chunk + 1
    of_chunk = organization | {"import_id": of.pk}
    wanted = {row["outcome"]: row["rows"] for row in sql("counts")}
    if "changed" in wanted:
        [written] = sql("change", of_chunk | {"chunk": number})
        if written["changed"] < wanted["changed"]:
            raise Raced(f"{wanted['changed'] - written['changed']} were changed by others")
    if "added" in wanted:
        sql("add", organization)
    _count_documents(of, number, wanted)
    if "failed" in wanted:
        _require_room(of, wanted["failed"])
        issue_log.insert(of, (issue.as_json() for issue in namer.problems(at="commit")))
    first, last = frame.head["first_row"], frame.head["last_row"]
    [chunk] = sql(
        "chunk",
        of_chunk
        | {"job_id": run.job.ref.job_id, "number": number, "first_row": first, "last_row": last},
    )
    done = {name: of.done.get(name, 0) + chunk[name] for name in COUNTED}
    done |= {"rows": of.done.get("rows", 0) + sum(chunk[name] for name in COUNTED)}
    _note(of, number, last, done)
    record(
        "import.chunk_committed",
        of,
        detail={"chunk": number, "rows": [first, last], "file_sha256": of.file_sha256, **chunk},
    )
    return of


def _count_documents(of: Import, number: int, wanted: dict[str, int]) -> None:
    """Each mission that the chunk touched is another document now: once, however many entries."""
    if "added" in wanted or "changed" in wanted:
        chunk = {"organization_id": of.organization_id, "import_id": of.pk, "chunk": number}
        count(of.organization_id, [("mission", row["id"]) for row in sql("touched", chunk)])


def _require_room(of: Import, failed: int) -> None:
    """Raise ImportStopped where more rows fail that the plan let pass than the database keeps."""
    found, limit = of.done.get("failed", 0) + failed, issue_log.MOST_IN_DATABASE
    if found > limit:
        message = (
            f"{found:,} rows that were right in the plan fail now, and the errors of {limit:,} are "
            "kept: what they refer to has changed. What is committed stays. Put that right and "
            "resume it, or undo it and upload the file again."
        )
        detail = {"limit": limit, "found": found}
        raise ImportStopped(
            Issue(level="file", code="too_many_issues", message=message, detail=detail)
        )


def _tell_planner(run: Run[ImportWork], of: Import) -> None:
    """After chunks 1, 2, 4, …: planned as if the table were empty still, the next takes minutes.

    PostgreSQL does the same by itself, a minute too late.
    """
    number = of.checkpoint_chunk
    if number & (number - 1) == 0:
        with run.transaction():
            sql("analyze")


def _note(of: Import, number: int, last_row: int, done: dict[str, Any]) -> None:
    """Move the checkpoint: from the chunk before to this one, or not at all."""
    before = Import.objects.filter(
        organization_id=of.organization_id, pk=of.pk, checkpoint_chunk=number - 1
    )
    if not before.update(checkpoint_chunk=number, checkpoint_row=last_row, done=done):
        raise Superseded
    of.checkpoint_chunk, of.checkpoint_row, of.done = number, last_row, done


def _mine(run: Run[ImportWork]) -> Import:
    return mine(run, ImportState.APPROVED, ImportState.COMMITTING)


def _go_on_later(run: Run[ImportWork]) -> None:
    """Behind others of the organization, from the checkpoint."""
    with run.settling():
        work.send(_mine(run), "commit")


@contextmanager
def _skipped(of: Import) -> Iterator[Path]:
    with TemporaryDirectory(prefix="import-") as folder:
        path = Path(folder) / "skipped"
        path.write_bytes(b"".join(store().open(files.skipped(of))))
        yield path
