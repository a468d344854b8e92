"""The dry run as a person sees it: the plan, every error, and whether it may go on by itself."""

from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from jobs.execution.job import Run
from jobs.families.transfers.imports import decide, reading, transitions, work
from jobs.families.transfers.imports.dry_run import dry_run
from jobs.families.transfers.imports.errors import NotApprovable
from jobs.families.transfers.imports.work import ImportWork
from jobs.families.transfers.models import Import

log = structlog.get_logger(__name__)


def validate(run: Run[ImportWork], of: Import) -> None:
    """Find out what a commit would do. Raises what `reading` does, and Superseded."""
    with TemporaryDirectory(prefix="import-") as folder, reading.local(of) as path:
        dry = dry_run(run, of, path, Path(folder), "validate")
        dry.put()
        with run.settling():
            of = transitions.locked(of.organization_id, of.pk)
            dry.store(of)
            transitions.validate(of, dry.plan, dry.issue_counts)
            if dry.issue_counts:
                work.send_report(of, "bad")
            approve_if_wanted(of)


def approve_if_wanted(of: Import) -> None:
    """As whoever uploaded it asked for; a plan that has to be confirmed waits for a person."""
    if not of.approve_when_valid:
        return
    try:
        decide.approve(of)
    except NotApprovable as error:
        log.info("import_waits_for_a_person", code=error.code)
