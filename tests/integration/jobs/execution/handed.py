"""Messages as the consumer hands them over."""

import dramatiq

from jobs.broker.messages import GroupMessage, Leased, MessageKey
from jobs.ledger.transitions import JobRef


def message(ref: JobRef) -> GroupMessage:
    """One that names this job."""
    about = dramatiq.Message(
        queue_name="backfill",
        actor_name="tests.any",
        args=(),
        kwargs={},
        options={},
        message_id=str(ref.job_id),
    )
    key = MessageKey(ref.organization_id, str(ref.job_id))
    leased = Leased(key=key, group="backfill", body=about.encode(), deliveries=0)
    return GroupMessage(about, leased)
