"""The file again, or some of its rows, with what became of each: made when it is first asked for.

bad             rows with an error: correct them and upload the report as it is
all             every row
committed       up to where it got, without those left out
failed          as `bad`, but only up to where it got
not_attempted   behind where it got

Beside them the lines of the plan, which the dry run has made (`planned`).
"""

import heapq
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import structlog

from audit.record import record
from jobs.execution.job import Run
from jobs.families.transfers.errors import NotThere
from jobs.families.transfers.imports import files, planned, reading, transitions, work
from jobs.families.transfers.imports.errors import ImportRefused, WrongState
from jobs.families.transfers.imports.issue_log import read
from jobs.families.transfers.imports.states import AT_REST, ImportState
from jobs.families.transfers.imports.upload import PERMISSIONS
from jobs.families.transfers.imports.work import ImportWork
from jobs.families.transfers.links import Download, Link
from jobs.families.transfers.models import Import, RowIssue
from jobs.families.transfers.store import store
from tenancy.access import require
from tenancy.acting import current

log = structlog.get_logger(__name__)

OF_THE_FILE = ("bad", "all")
OF_THE_PLAN = {f"planned_{kind}": kind for kind in planned.KINDS}
OF_A_COMMIT = ("committed", "failed", "not_attempted")
PLANNED = (ImportState.VALIDATED, ImportState.APPROVED, ImportState.COMMITTING)
ENDED = tuple(state for state in AT_REST if state != ImportState.REJECTED)
CONTENT_TYPES = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "jsonl": "application/jsonl",
    "parquet": "application/vnd.apache.parquet",
}


def link(of: Import, which: str) -> str:
    """An address that gives the report for three minutes, to whoever acts; it stands in the log.

    which: of OF_THE_FILE, OF_A_COMMIT or OF_THE_PLAN.

    In the caller's scope and transaction. Raises AccessDenied, WrongState where there is nothing to
    report yet, ImportRefused `report_pending` while it is being made, NotThere once it is removed.
    """
    require(current().actor, PERMISSIONS[of.kind], of.organization_id)
    if which in OF_THE_PLAN:
        return planned.link(of, OF_THE_PLAN[which])
    wanted = ENDED if which in OF_A_COMMIT else (*PLANNED, *ENDED)
    if of.state not in wanted or of.plan is None:
        raise WrongState(f"report {which} rows of", of.state, wanted)
    if of.reports_removed_at or of.upload_removed_at:
        raise NotThere(files.reports(of))
    if of.reports_expired or which not in of.reports:
        if not of.reports_expired:  # else the earlier ones go first
            work.send_report(of, which)
        raise ImportRefused("report_pending", "The report is being made. Ask again in a moment.")
    record(
        "import.report_downloaded", of, detail={"which": which, "rows": of.reports[which]["rows"]}
    )
    return store().signed_url(
        Link(
            organization_id=of.organization_id,
            key=files.report(of, which),
            actor=str(current().actor),
            permission=PERMISSIONS[of.kind],
            served=_served(of, which),
        )
    )


def report(run: Run[ImportWork], of: Import) -> None:
    """Make one. Raises what `reading` does.

    Under a name of its own: one that took too long writes over nobody's, and what it says of the
    import is kept only if that stands where it stood. The rest of a kill goes with the reports.
    """
    which, key = run.payload.report, files.new_report(of, run.payload.report)
    with reading.local(of) as path, TemporaryDirectory(prefix="import-") as folder:
        issues, left_out, out = (Path(folder) / name for name in ("issues", "left_out", "report"))
        with run.transaction():
            _write_issues(of, issues)
        left_out.write_bytes(b"".join(store().open(files.skipped(of))))
        spec = {
            "choices": of.choices,
            "columns": [one["name"] for one in (of.survey or {})["columns"]],
            "issues": str(issues),
            "out": str(out),
            "which": which,
            "done": of.checkpoint_row,
            "left_out": str(left_out),
            "rest": "valid" if of.state in PLANNED else "not_attempted",
        }
        rows = 0
        with reading.frames(run, path, "report", spec) as frames:
            for frame in frames:
                rows = frame.head["rows"]
        store().put(key, read(out), served=_served(of, which))
    if not _kept(run, of, {"rows": rows, "key": key}):
        store().delete(key)


def _kept(run: Run[ImportWork], made_of: Import, made: dict[str, Any]) -> bool:
    """Whether the import is still the one that the report is of; then it is its report."""
    with run.settling():
        of = transitions.locked(made_of.organization_id, made_of.pk)
        if _stands(of) != _stands(made_of):
            log.info("import_report_is_of_the_past", import_id=str(of.pk))
            return False
        of.reports[run.payload.report] = made
        of.save(update_fields=["reports"])
        return True


def _stands(of: Import) -> tuple[Any, ...]:
    return of.turn, of.state, of.checkpoint_row, of.reports_expired


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
