"""A piece of work for an import, in a worker: which phase, whether it is still wanted, how it ends.

    check       the file is read once: its questions, or on to
    validate    the dry run: every row, the plan, every error
    commit      chunk after chunk, in slices, from the checkpoint
    report      the files that people download
    undo        chunk after chunk back

An import that cannot go on is no fault of its job: the job has done its work, and the import says
why. What is a fault (the database is away, a bug) is the job's: it is tried again, then it is a
dead letter, and the import is stopped. A dead letter that is retried resumes it.
"""

from typing import Any

import structlog

from jobs.execution.job import Run
from jobs.families.transfers.files.issues import Issue, Refused
from jobs.families.transfers.imports import check, commit, report, transitions, undo, validate
from jobs.families.transfers.imports.errors import ImportStopped, WrongState
from jobs.families.transfers.imports.reading import FileRefused
from jobs.families.transfers.imports.rosters import commit as roster_commit
from jobs.families.transfers.imports.rosters import undo as roster_undo
from jobs.families.transfers.imports.rosters import validate as roster_validate
from jobs.families.transfers.imports.states import WORKING, ImportState
from jobs.families.transfers.imports.turn import Superseded
from jobs.families.transfers.imports.work import ImportWork
from jobs.families.transfers.models import Import, ImportKind
from jobs.ledger.states import State

log = structlog.get_logger(__name__)

ALIKE = {"check": check.check, "report": report.report}
PHASES = {
    ImportKind.TIMELINE: ALIKE
    | {"validate": validate.validate, "commit": commit.commit, "undo": undo.undo},
    ImportKind.ROSTER: ALIKE
    | {
        "validate": roster_validate.validate,
        "commit": roster_commit.commit,
        "undo": roster_undo.undo,
    },
}


def perform(run: Run[ImportWork]) -> None:
    """Do it, if it is still wanted."""
    of = _opened(run)
    if of is None:
        log.info("import_work_is_over", import_id=str(run.payload.import_id))
        return
    with structlog.contextvars.bound_contextvars(import_id=str(of.pk)):
        try:
            PHASES[ImportKind(of.kind)][run.payload.phase](run, of)
        except (FileRefused, Refused) as error:
            with run.settling():
                _end(run, error.issue)
        except ImportStopped as error:
            with run.settling():
                transitions.stop(_locked(run), error.issue)
        except Superseded:
            log.info("import_work_is_over")


def end(job: Any, reason: str) -> None:
    """The job types' `on_dead`: its job died or was cancelled, so the import is stopped."""
    work = ImportWork.model_validate(job.payload)
    of = transitions.locked(job.organization_id, work.import_id)
    if of.turn != work.turn or of.state not in WORKING or work.phase == "report":
        return
    if reason == State.CANCELLED and of.state != ImportState.UNDOING:
        transitions.cancel(of)
        return
    message = (
        "The work on this import failed and was given up; what was committed stays. Resume it once "
        "the cause is mended: the job's dead letter tells it."
    )
    transitions.stop(of, Issue(level="file", code=reason, message=message))


def _opened(run: Run[ImportWork]) -> Import | None:
    """The import, if this job is the one that it waits for."""
    with run.transaction():
        of = _locked(run)
        if of.turn != run.payload.turn:
            return None
        if run.payload.phase == "report":
            return of
        if of.state == ImportState.STOPPED:
            # Its dead letter is retried. Another job follows; this one has nothing left to do.
            transitions.resume(of)
            return None
        return of if of.state in WORKING else None


def _end(run: Run[ImportWork], issue: Issue) -> None:
    of = _locked(run)
    try:
        transitions.reject(of, issue)
    except WrongState:  # it has been approved, or is being committed
        transitions.stop(of, issue)


def _locked(run: Run[ImportWork]) -> Import:
    return transitions.locked(run.organization_id, run.payload.import_id)
