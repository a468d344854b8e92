"""The file again, or some of its rows, with what became of each: made when it is first asked for.

bad             rows with an error: correct them and upload the report as it is
all             every row
committed       up to where it got, without those left out
failed          as `bad`, but only up to where it got
not_attempted   behind where it got
"""

import heapq
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from audit.record import record
from jobs.execution.job import Run
from jobs.families.transfers.errors import NotThere
from jobs.families.transfers.imports import files, reading, transitions, work
from jobs.families.transfers.imports.errors import ImportRefused, WrongState
from jobs.families.transfers.imports.issue_log import read
from jobs.families.transfers.imports.skipped import Skipped
from jobs.families.transfers.imports.states import AT_REST, ImportState
from jobs.families.transfers.imports.upload import PERMISSIONS
from jobs.families.transfers.imports.work import ImportWork
from jobs.families.transfers.links import Download, Link
from jobs.families.transfers.models import Import, RowIssue
from jobs.families.transfers.store import store
from tenancy.access import require
from tenancy.acting import current

OF_THE_FILE = ("bad", "all")
OF_A_COMMIT = ("committed", "failed", "not_attempted")
PLANNED = (ImportState.VALIDATED, ImportState.APPROVED, ImportState.COMMITTING)
ENDED = tuple(state for state in AT_REST if state != ImportState.REJECTED)
LAST_ROW = 2**40
CONTENT_TYPES = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "jsonl": "application/jsonl",
    "parquet": "application/vnd.apache.parquet",
}


def link(of: Import, which: str) -> str:
    """An address that gives the report for three minutes, to whoever acts; it stands in the log.

    In the caller's scope and transaction. Raises AccessDenied, WrongState where there is nothing to
    report yet, ImportRefused `report_pending` while it is being made, NotThere once it is removed.
    """
    require(current().actor, PERMISSIONS[of.kind], of.organization_id)
    wanted = ENDED if which in OF_A_COMMIT else (*PLANNED, *ENDED)
    if of.state not in wanted or of.plan is None:
        raise WrongState(f"report {which} rows of", of.state, wanted)
    key = files.report(of, which)
    if of.reports_removed_at or of.upload_removed_at:
        raise NotThere(key)
    if which not in of.reports:
        work.send_report(of, which)
        raise ImportRefused("report_pending", "The report is being made. Ask again in a moment.")
    record("import.report_downloaded", of, detail={"which": which, "rows": of.reports[which]})
    return store().signed_url(
        Link(
            organization_id=of.organization_id,
            key=key,
            actor=str(current().actor),
            permission=PERMISSIONS[of.kind],
            served=_served(of, which),
        )
    )


def report(run: Run[ImportWork], of: Import) -> None:
    """Make one. Raises what `reading` does."""
    which = run.payload.report
    with reading.local(of) as path, TemporaryDirectory(prefix="import-") as folder:
        issues, out = Path(folder) / "issues.jsonl", Path(folder) / "report"
        with run.transaction():
            _write_issues(of, issues)
        spec = {
            "choices": of.choices,
            "columns": [one["name"] for one in (of.survey or {})["columns"]],
            "issues": str(issues),
            "out": str(out),
            **_wanted(of, which, issues),
        }
        rows = 0
        with reading.frames(run, path, "report", spec) as frames:
            for frame in frames:
                rows = frame.head["rows"]
        store().put(files.report(of, which), read(out), served=_served(of, which))
    with run.settling():
        of = transitions.locked(of.organization_id, of.pk)
        if of.turn == run.payload.turn:
            of.reports[which] = rows
            of.save(update_fields=["reports"])


def _wanted(of: Import, which: str, issues: Path) -> dict[str, Any]:
    """In the words of the child: which rows, and the status of each."""
    done = of.checkpoint_row
    statuses = [[1, done, "committed"]] if done else []
    rest = "valid" if of.state in PLANNED else "not_attempted"
    ranges: dict[str, Any] = {
        "committed": lambda: list(_skipped(of).between(1, done)),
        "failed": lambda: [[row, row] for row in _failed(of, issues)],
        "not_attempted": lambda: [[done + 1, LAST_ROW]],
    }
    wanted = ranges[which]() if which in ranges else which
    return {"which": wanted, "statuses": statuses, "default": rest}


def _skipped(of: Import) -> Skipped:
    return Skipped(b"".join(store().open(files.skipped(of))))


def _failed(of: Import, issues: Path) -> list[int]:
    """The rows with an error up to where it got."""
    with issues.open(encoding="utf-8") as file:
        found = (json.loads(line) for line in file)
        rows = {one["row"] for one in found if one["level"] == "row"}
    return sorted(row for row in rows if row <= of.checkpoint_row)


def _write_issues(of: Import, path: Path) -> None:
    """Those of the dry run, and those that only the commit found, in the order of the file."""
    late = RowIssue.objects.filter(
        organization_id=of.organization_id, of_import=of, detail__at="commit"
    ).order_by("row", "id")
    names = ("level", "code", "message", "row", "line", "column", "letter", "field", "value")
    found = (dict(zip(names, one, strict=True)) for one in late.values_list(*names).iterator())
    with path.open("w", encoding="utf-8") as file:
        for issue in heapq.merge(_stored(of), found, key=lambda one: one["row"]):
            file.write(json.dumps(issue, ensure_ascii=False) + "\n")


def _stored(of: Import) -> Iterator[dict[str, Any]]:
    with store().local(files.issues(of)) as path, path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def _served(of: Import, which: str) -> Download:
    extension = of.choices.get("format") or "csv"
    return Download(
        file_name=f"import-{str(of.pk)[:8]}-{which.replace('_', '-')}.{extension}",
        content_type=CONTENT_TYPES[extension],
    )
