"""The dry run of a roster: what the file would change, and for each row what is wrong with it."""

from pathlib import Path
from tempfile import TemporaryDirectory

from jobs.execution.job import Run
from jobs.families.transfers.imports import reading, transitions
from jobs.families.transfers.imports.rosters.dry_run import DryRun
from jobs.families.transfers.imports.rosters.judged import judge
from jobs.families.transfers.imports.rosters.people import read
from jobs.families.transfers.imports.validate import approve_if_wanted
from jobs.families.transfers.imports.work import ImportWork
from jobs.families.transfers.models import Import


def validate(run: Run[ImportWork], of: Import) -> None:
    """Find out what a commit would do. Raises what `reading` does, and Superseded."""
    with TemporaryDirectory(prefix="import-") as folder, reading.local(of) as path:
        people = read(run, of, path, "validate")
        with run.transaction():
            judged = judge(of, people)
        dry = DryRun(of, people, judged, Path(folder))
        with run.settling():
            of = transitions.locked(of.organization_id, of.pk)
            dry.store(of)
            transitions.validate(of, dry.plan, dry.counts)
            approve_if_wanted(of)
