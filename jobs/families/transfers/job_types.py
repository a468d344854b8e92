"""The job types of the family, with their policies and actors."""

from datetime import timedelta

from jobs.execution.job import Run
from jobs.families.transfers.exports import write
from jobs.families.transfers.imports import perform, work
from jobs.job_types import Policy, job_type
from tenancy.access import Permission

TRANSFERS = Policy(
    max_retries=12,
    backoff_base=timedelta(seconds=5),
    backoff_cap=timedelta(minutes=30),
    # Reading ten million rows once, or a slice of writing them.
    time_limit=timedelta(minutes=30),
)


def _turn(payload: work.ImportWork) -> str:
    return f"{payload.phase} {payload.turn} {payload.report}"


@job_type(
    work.JOB_TYPES["timeline"],
    group="backfill",
    payload=work.ImportWork,
    policy=TRANSFERS,
    permission=Permission.TRANSFER_IMPORT,
    effect="outside",
    discriminator=_turn,
    on_dead=perform.end,
)
def import_timeline(run: Run[work.ImportWork]) -> None:
    """Check, validate or commit one import of a timeline."""
    perform.perform(run)


@job_type(
    work.JOB_TYPES["roster"],
    group="backfill",
    payload=work.ImportWork,
    policy=TRANSFERS,
    permission=Permission.ROSTER_IMPORT,
    effect="outside",
    discriminator=_turn,
    on_dead=perform.end,
)
def import_roster(run: Run[work.ImportWork]) -> None:
    """Check, validate or commit one import of a roster."""
    perform.perform(run)


@job_type(
    work.UNDO,
    group="backfill",
    payload=work.ImportWork,
    policy=TRANSFERS,
    permission=Permission.TRANSFER_IMPORT,
    effect="outside",
    discriminator=_turn,
    on_dead=perform.end,
)
def undo_import(run: Run[work.ImportWork]) -> None:
    """Take one import back."""
    perform.perform(run)


@job_type(
    "transfers.export",
    group="backfill",
    payload=write.WriteExport,
    policy=TRANSFERS,
    # A roster needs one of its own besides; the job asks for it.
    permission=Permission.TRANSFER_EXPORT,
    effect="outside",
    on_dead=write.ended,
)
def export_file(run: Run[write.WriteExport]) -> None:
    """Write one export to the object store."""
    write.write(run)
