"""From writes to the family: every event of a write is fanned out, and every invitation mailed.

In the write's own transaction, so that an event without its fan-out cannot exist.
"""

from collections.abc import Sequence

from jobs.families.notifications.fan_out import FanOut
from jobs.families.notifications.invite import SendInvitation
from jobs.families.notifications.job_types import fan_out_event, send_invitation
from jobs.ledger import NewJob, enqueue_many
from tenancy.changes import Change
from tenancy.models import DomainEvent, Invitation


def enqueue_fan_out(_changes: Sequence[Change], events: Sequence[DomainEvent]) -> None:
    """Listener of `tenancy.changes`."""
    enqueue_many(
        fan_out_event,
        [
            NewJob(
                payload=FanOut(event_id=event.pk),
                organization_id=event.organization_id,
                project_id=event.project_id,
                entity=(event.entity_type, str(event.entity_id)),
                correlation_id=event.correlation_id,
                actor_id=event.actor_id,
            )
            for event in events
        ],
    )


def enqueue_invitations(changes: Sequence[Change], _events: Sequence[DomainEvent]) -> None:
    """Listener of `tenancy.changes`: each new link goes out."""
    enqueue_many(
        send_invitation,
        [
            NewJob(
                payload=SendInvitation(invitation_id=invitation.pk, digest=invitation.token_digest),
                organization_id=invitation.organization_id,
                entity=("invitation", str(invitation.pk)),
            )
            for change in changes
            if isinstance(invitation := change.entity, Invitation)
            and (change.kind == "created" or "token_digest" in change.untold)
        ],
    )
