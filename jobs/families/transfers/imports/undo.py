"""Take an import back, chunk by chunk, the last first: what nobody has touched since.

As a commit: each chunk is one transaction under the job's fence, with its audit event and the
checkpoint. What stays is listed among the import's issues as `kept`.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.conf import settings

from audit.record import record
from jobs.execution.job import Run
from jobs.families.search.counter import count
from jobs.families.transfers.imports import issue_log, transitions, work
from jobs.families.transfers.imports.errors import NotUndoable
from jobs.families.transfers.imports.progress import Meter
from jobs.families.transfers.imports.statements import run as sql
from jobs.families.transfers.imports.states import ImportState
from jobs.families.transfers.imports.turn import mine, require_allowed
from jobs.families.transfers.imports.work import ImportWork
from jobs.families.transfers.models import Import

COUNTED = ("deleted", "restored", "kept")
MOST_PREVIEWED = 100_000
"""Entries that whoever asks what an undo would do waits for."""
MOST_LISTED = 100


@dataclass(frozen=True, kw_only=True)
class UndoPlan:
    """What taking an import back would do now.

    counts: of COUNTED. kept: the issues that the first MOST_LISTED would have.
    """

    counts: Mapping[str, int]
    kept: Sequence[Mapping[str, Any]]


def plan_undo(of: Import) -> UndoPlan:
    """What undoing it now would delete, restore and keep; in the caller's scope.

    As long as a commit takes: a few seconds for each 100,000 entries. Raises NotUndoable
    `too_many_to_preview` where they are more than MOST_PREVIEWED.
    """
    changed = _changed(of)
    if changed > MOST_PREVIEWED:
        raise NotUndoable(
            "too_many_to_preview",
            f"It changed {changed:,} entries, and up to {MOST_PREVIEWED:,} are compared before an "
            "undo. What is kept is listed while it is taken back.",
            found=changed,
            limit=MOST_PREVIEWED,
        )
    counts = dict.fromkeys(COUNTED, 0)
    kept: list[dict[str, Any]] = []
    last = of.checkpoint_chunk if of.undo_checkpoint is None else of.undo_checkpoint
    for chunk in range(1, last + 1):
        [found] = sql("undo", _chunk(of, chunk) | {"job_id": of.job_id, "writes": False})
        counts = {name: counts[name] + found[name] for name in COUNTED}
        pairs = zip(found["kept_ids"], found["kept_rows"], strict=True)
        kept += [_kept(entry, row) for entry, row in islice(pairs, MOST_LISTED - len(kept))]
    return UndoPlan(counts=counts, kept=kept)


def undo(run: Run[ImportWork], of: Import) -> None:
    """One slice. Raises Superseded and LeaseLost."""
    ends_at = time.monotonic() + settings.IMPORTS_SLICE_SECONDS
    meter = Meter(run, of, "undo", total=_changed(of))
    while of.undo_checkpoint:
        with run.step():
            of = mine(run, ImportState.UNDOING)
            require_allowed(run)
            _take_back(run, of, of.undo_checkpoint or 0)
        meter.tell(rows=sum((of.undo or {}).values()))
        if of.undo_checkpoint and time.monotonic() > ends_at:
            with run.settling():
                work.send(mine(run, ImportState.UNDOING), "undo")
            return
    with run.settling():
        transitions.undone(mine(run, ImportState.UNDOING))


def _take_back(run: Run[ImportWork], of: Import, chunk: int) -> None:
    sql("by_index")
    [found] = sql("undo", _chunk(of, chunk) | {"job_id": run.job.ref.job_id, "writes": True})
    count(of.organization_id, [("mission", one) for one in found.pop("mission_ids")])
    kept = zip(found.pop("kept_ids"), found.pop("kept_rows"), strict=True)
    issue_log.insert(of, (_kept(entry, row) for entry, row in kept))
    before = of.undo or {}
    of.undo = {name: before.get(name, 0) + found[name] for name in COUNTED}
    of.undo_checkpoint = chunk - 1
    of.save(update_fields=["undo", "undo_checkpoint"])
    record(
        "import.chunk_undone",
        of,
        detail={"chunk": chunk, "file_sha256": of.file_sha256, **found},
    )


def _kept(entry: int, row: int) -> dict[str, Any]:
    return {
        "level": "warn",
        "code": "kept",
        "message": "The entry was changed after the import, or what it was before is no longer "
        "possible. It was kept as it is.",
        "row": row,
        "detail": {"entry": entry},
    }


def _chunk(of: Import, chunk: int) -> dict[str, Any]:
    return {"organization_id": of.organization_id, "import_id": of.pk, "chunk": chunk}


def _changed(of: Import) -> int:
    return sum(of.done.get(name, 0) for name in ("added", "changed", "removed"))
