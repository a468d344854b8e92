"""From domain events to the family: every event of a write is fanned out, in the write's own
transaction, so that an event without its fan-out cannot exist."""

from collections.abc import Sequence

from jobs.families.notifications.fan_out import FanOut
from jobs.families.notifications.job_types import fan_out_event
from jobs.ledger import NewJob, enqueue_many
from tenancy.changes import Change
from tenancy.models import DomainEvent


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
