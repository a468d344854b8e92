"""What a worker is asked to do for an import: one job at a time, each with its turn."""

import uuid
from typing import Literal

from django.db.models import F

from jobs.families.transfers.models import Import
from jobs.job_types import Payload, registry
from jobs.ledger import enqueue

JOB_TYPES = {"timeline": "transfers.import_timeline"}
UNDO = "transfers.undo_import"

Phase = Literal["check", "validate", "commit", "report", "undo"]


class ImportWork(Payload):
    """One piece of work for one import.

    turn: the import's number of it. A job whose turn is over, because a person has decided
    otherwise since, does nothing.
    """

    import_id: uuid.UUID
    phase: Phase
    turn: int


def send(of: Import, phase: str) -> None:
    """Enqueue the next piece of work, in the caller's transaction; the turn before is over."""
    mine = Import.objects.filter(organization_id=of.organization_id, pk=of.pk)
    mine.update(turn=F("turn") + 1)
    of.refresh_from_db(fields=["turn"])
    name = UNDO if phase == "undo" else JOB_TYPES[of.kind]
    payload = ImportWork.model_validate({"import_id": of.pk, "phase": phase, "turn": of.turn})
    sent = enqueue(
        registry.get(name),
        payload,
        organization_id=of.organization_id,
        entity=("import", str(of.pk)),
        correlation_id=of.correlation_id,
        actor_id=of.actor_id,
    )
    mine.update(job_id=sent.job_id)
    of.job_id = sent.job_id
