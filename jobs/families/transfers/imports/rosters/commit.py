"""Commit an approved roster: one transaction, or nothing.

The plan is computed again under the lock on the organization's members. If it takes or changes
other rights than those that were approved, or refuses others, nothing is written: the import goes
back to review with the new plan.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from jobs.execution.job import Run
from jobs.families.transfers.files.issues import Issue
from jobs.families.transfers.imports import reading, transitions
from jobs.families.transfers.imports.rosters import journal
from jobs.families.transfers.imports.rosters.dry_run import DryRun
from jobs.families.transfers.imports.rosters.judged import judge
from jobs.families.transfers.imports.rosters.people import People, read
from jobs.families.transfers.imports.states import ImportState
from jobs.families.transfers.imports.turn import mine, require_allowed
from jobs.families.transfers.imports.work import ImportWork
from jobs.families.transfers.models import Import
from tenancy import roster

log = structlog.get_logger(__name__)

COUNTED = ("added", "changed", "unchanged", "removed", "failed")


class PlanChanged(Exception):
    """What was approved is not what would happen now."""


def commit(run: Run[ImportWork], of: Import) -> None:
    """All of it. Raises what `reading` does, Superseded, and LeaseLost."""
    with reading.local(of, unchanged=True) as path:
        with run.transaction():
            transitions.in_line(of.organization_id, of.kind)
            of = mine(run, ImportState.APPROVED, ImportState.COMMITTING)
            if of.state == ImportState.APPROVED and not transitions.begin(of):
                log.info("import_waits_for_another")
                return
        people = read(run, of, path, "commit")
        try:
            with run.settling():
                _write(run, people)
        except PlanChanged:
            _back_to_review(run, people)


def _write(run: Run[ImportWork], people: People) -> None:
    of = mine(run, ImportState.COMMITTING)
    require_allowed(run)
    judged = judge(of, people)
    is_approved = judged.plan["changes_sha256"] == (of.plan or {})["changes_sha256"]
    if not is_approved or judged.found.seats.are_short:
        raise PlanChanged
    steps = roster.carry_out(judged.found)
    of.done = {name: judged.plan[name] for name in (*COUNTED, "rows")}
    journal.write(run, of, steps, people)
    of.checkpoint_chunk, of.checkpoint_row = 1, people.last_row
    of.save(update_fields=["done", "checkpoint_chunk", "checkpoint_row"])
    transitions.complete(of)


def _back_to_review(run: Run[ImportWork], people: People) -> None:
    with run.transaction():
        of = mine(run, ImportState.COMMITTING)
        judged = judge(of, people)
    with TemporaryDirectory(prefix="import-") as folder:
        dry = DryRun(of, people, judged, Path(folder))
        with run.settling():
            of = mine(run, ImportState.COMMITTING)
            dry.store(of)
            transitions.review(of, _changed(of, dry), plan=dry.plan, issue_counts=dry.counts)


def _changed(of: Import, dry: DryRun) -> Issue:
    approved = of.plan or {}
    return Issue(
        level="file",
        code="plan_changed",
        message="Who belongs here has changed since the plan was approved, and the file would now "
        "do something else. Nothing was written. Look at the new plan, and approve that.",
        detail={
            name: {"approved": approved[name], "now": dry.plan[name]}
            for name in COUNTED
            if approved[name] != dry.plan[name]
        },
    )
