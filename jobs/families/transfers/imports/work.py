"""What a worker is asked to do for an import: one job at a time, each with its turn."""

import uuid
from typing import Literal

from django.db.models import F

from jobs.families.transfers.models import Import
from jobs.job_types import Payload, registry
from jobs.ledger import enqueue

JOB_TYPES = {"timeline": "transfers.import_timeline", "roster": "transfers.import_roster"}
UNDO = "transfers.undo_import"

Phase = Literal["check", "validate", "commit", "report", "undo"]


class ImportWork(Payload):
    """One piece of work for one import.

    turn: the import's number of it. A job whose turn is over, because a person has decided
    otherwise since, does nothing. report: which one, for the phase of that name.
    """

    import_id: uuid.UUID
    phase: Phase
    turn: int
    report: str = ""


def send(of: Import, phase: str) -> None:
    """Enqueue the next piece of work, in the caller's transaction; the turn before is over.

    Its reports too: they say of the rows what was so then.
    """
    mine = Import.objects.filter(organization_id=of.organization_id, pk=of.pk)
    mine.update(turn=F("turn") + 1, reports={})
    of.refresh_from_db(fields=["turn", "reports"])
    of.job_id = _enqueue(of, phase)
    mine.update(job_id=of.job_id)


def send_report(of: Import, which: str) -> None:
    """Enqueue the making of a report, beside whatever else goes on; once for each turn."""
    _enqueue(of, "report", which)


def _enqueue(of: Import, phase: str, report: str = "") -> uuid.UUID:
    wanted = {"import_id": of.pk, "phase": phase, "turn": of.turn, "report": report}
    return enqueue(
        registry.get(UNDO if phase == "undo" else JOB_TYPES[of.kind]),
        ImportWork.model_validate(wanted),
        organization_id=of.organization_id,
        entity=("import", str(of.pk)),
        correlation_id=of.correlation_id,
        actor_id=of.actor_id,
    ).job_id
