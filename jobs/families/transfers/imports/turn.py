"""Whether a piece of work is still wanted, and who asked for it still may: asked in every step."""

from typing import Any

from jobs.errors import Permanent
from jobs.execution.job import Run
from jobs.families.transfers.imports import transitions
from jobs.families.transfers.imports.states import ImportState
from jobs.families.transfers.models import Import
from jobs.ledger.states import Reason
from tenancy.access import Actor, Permission, may


class Superseded(Exception):
    """Somebody cancelled the import, or it was stopped: this job is not wanted any more."""


def mine(run: Run[Any], *states: ImportState) -> Import:
    """The import, its row locked, as long as it waits for this job. Raises Superseded.

    Whoever cancels it meanwhile waits for the transaction under way, and is seen by the next.
    """
    of = transitions.locked(run.organization_id, run.payload.import_id)
    if of.turn != run.payload.turn or of.state not in states:
        raise Superseded
    return of


def require_allowed(run: Run[Any], permission: Permission | None = None) -> None:
    """Raise Permanent unless the actor still may and the organization is active."""
    actor, permission = Actor.parse(run.job.actor_id), permission or run.job_type.permission
    if not may(actor, permission, run.organization_id):
        raise Permanent(
            f"{actor} does not hold {permission} any more, or the organization is suspended: the "
            "import stops here. What is committed stays.",
            reason=Reason.AUTHORIZATION_REVOKED,
        )
