"""Where an import stands, in a sentence; its plan and its progress, in numbers for people."""

from datetime import timedelta
from typing import Any

from django.core.paginator import Paginator

from jobs.families.transfers.imports import planned
from jobs.families.transfers.imports.states import WORKING, ImportState
from jobs.families.transfers.imports.undo import UndoPlan
from jobs.families.transfers.models import Import, ImportKind
from tenancy.admin.times import span

OUTCOMES = ("added", "changed", "unchanged", "removed", "failed", "skipped")
PHASES = {
    "check": "Reading the file",
    "validate": "Trying every row; nothing is written",
    "commit": "Writing the rows",
    "report": "Writing the report",
    "undo": "Taking back what it changed",
}
REPORTS = {
    "bad": "Rows with errors",
    "all": "All rows",
    "committed": "Rows that were written",
    "failed": "Rows that failed",
    "not_attempted": "Rows that were not tried",
}
STATE_LABELS = {
    "Uploaded": "info",
    "Checked": "warning",
    "Mapped": "info",
    "Validated": "warning",
    "Approved": "info",
    "Committing": "primary",
    "Completed": "success",
    "Rejected": "danger",
    "Stopped": "danger",
    "Cancelled": None,
    "Undoing": "primary",
    "Undone": None,
}


SENTENCES = {
    ImportState.UPLOADED: "The file is here and waits to be read, or is being read.",
    ImportState.CHECKED: "Something has to be decided before it goes on: see the questions.",
    ImportState.MAPPED: "All is decided. Every row is tried now; nothing is written.",
    ImportState.VALIDATED: "{why}This is what would happen. Nothing is written until somebody "
    "approves it.",
    ImportState.APPROVED: "In line to be written.",
    ImportState.COMMITTING: "The rows are being written.",
    ImportState.COMPLETED: "Written: {done}. For 30 days it can be taken back.",
    ImportState.REJECTED: "{why}The file is refused, and nothing was written.",
    ImportState.STOPPED: "{why}Written so far: {done}; that stays.",
    ImportState.CANCELLED: "Written before: {done}; that stays.",
    ImportState.UNDOING: "What it changed is being taken back, but for what somebody has touched "
    "since.",
    ImportState.UNDONE: "Taken back: {undo}.",
}


def sentence(of: Import) -> str:
    """What happened last, and what is to be done next."""
    why = (of.problem or {}).get("message", "")
    return SENTENCES[ImportState(of.state)].format(
        why=f"{why} " if why else "", done=told(of.done), undo=told(of.undo or {})
    )


UNDOES = {
    ImportKind.TIMELINE: "Entries that it added are deleted, those that it changed or removed are "
    "again as before, but for what somebody has touched since: that is kept and counted. An undo "
    "cannot be undone. Importing the file again is a new import.",
    ImportKind.ROSTER: "Invitations that are still open are revoked, and members get back the role "
    "and access that they had before, but for who was changed since: they are kept as they are and "
    "counted. An undo cannot be undone. Importing the file again is a new import.",
}
NAMED = 10
"""So many of what would be kept are named before an undo."""


def undo_plan(plan: UndoPlan) -> tuple[dict[str, int], list[str]]:
    """Its counts by what would be done, and of what it would keep the rows in the file."""
    rows = [f"{one['row']:,}" for one in plan.kept if one["row"]]
    more = plan.counts["kept"] - len(rows[:NAMED])
    named = ", ".join(rows[:NAMED]) + (f" and {more:,} more" if more and rows else "")
    counts = {what.capitalize(): number for what, number in plan.counts.items()}
    return counts, [f"Kept, by row in the file: {named}."] if rows else []


def is_working(of: Import) -> bool:
    """Whether a worker moves it on, so that the page looks again by itself."""
    return of.state in WORKING


SUMS = ("rows", "blank", "people", "entries", "unlisted")
"""What a plan or its deed counts besides outcomes."""


def told(counts: dict[str, Any]) -> str:
    """Counts as "12 added, 3 failed"; what is zero is left out, and what only sums others."""
    found = {what: n for what, n in counts.items() if what not in SUMS}
    said = [f"{n:,} {what}" for what, n in found.items() if isinstance(n, int) and n]
    return ", ".join(said) or "nothing"


TITLES = {"external_id": "External id"}
LINES = 50


def plan(of: Import) -> dict[str, int]:
    """The dry run's counts, in the order of the outcomes."""
    return {one: of.plan.get(one, 0) for one in OUTCOMES} if of.plan else {}


def changes(of: Import, wanted: str, page: str) -> dict[str, Any] | None:
    """What the plan would do, line by line: its kinds, and a page of those of one.

    The kind that was asked for, or the one that needs most care. None where nothing would change.
    """
    counts = plan(of)
    kinds = {kind: counts[kind] for kind in ("removed", "changed", "added") if counts.get(kind)}
    if not kinds:
        return None
    kind = wanted if wanted in kinds else next(iter(kinds))
    found = planned.first(of, kind)
    return {
        "kinds": kinds,
        "kind": kind,
        "titles": [TITLES.get(one, one.capitalize()) for one in planned.COLUMNS[of.kind]],
        "lines": Paginator([list(line.values()) for line in found], LINES).get_page(page),
        "is_cut": len(found) == planned.MOST_SHOWN,
    }


def progress(of: Import) -> dict[str, Any]:
    """The phase under way: phase, done, percent (None until the rows are counted), rate, left."""
    now = of.progress or {}
    rows, total = now.get("rows", 0), now.get("total")
    share, whole = (rows, total) if total else (now.get("bytes"), now.get("total_bytes"))
    left, rate = now.get("remaining_seconds"), now.get("rows_per_second")
    return {
        "phase": PHASES.get(now.get("phase", ""), "Waiting for a worker"),
        "done": f"{rows:,} of {total:,} rows" if total else f"{rows:,} rows",
        "percent": min(100, round(100 * share / whole)) if share is not None and whole else None,
        "rate": f"{rate:,} rows/s" if rate else "",
        "errors": now.get("errors", 0),
        "left": f"about {span(timedelta(seconds=left))} left" if left is not None else "",
    }
