"""Who asked for the end of a job, and why: from the audit log, which keeps it."""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime

from audit.models import AuditEvent
from tenancy.admin.names import names_of

ASKED = ("job.cancelled", "job.cancel_requested")
DISCARDED = ("job.discarded",)


@dataclass(frozen=True, kw_only=True)
class Cancel:
    """A person's wish that a job end. actor: as in the log, such as `user:7`."""

    actor: str
    reason: str
    at: datetime

    @property
    def who(self) -> str:
        """By name, for whom that is theirs to see."""
        return names_of([self.actor]).get(self.actor, self.actor)


def cancel_of(organization_id: int, job_id: uuid.UUID) -> Cancel | None:
    """The last wish that it be cancelled; None where nobody asked. In the caller's scope."""
    return _last(organization_id, job_id, ASKED)


def end_of(organization_id: int, job_id: uuid.UUID, reason: str) -> Cancel | None:
    """The same of a job that is cancelled for this reason of the ledger: discarded, or asked."""
    actions = DISCARDED if reason == "discarded" else ASKED
    return _last(organization_id, job_id, actions)


def _last(organization_id: int, job_id: uuid.UUID, actions: tuple[str, ...]) -> Cancel | None:
    events = AuditEvent.objects.filter(
        organization_id=organization_id, target_type="job", target_id=str(job_id)
    )
    for event in events.filter(action__in=actions):
        detail = json.loads(event.event).get("detail", {})
        # A worker that ended it repeats the reason, and tells whose it is.
        if (reason := detail.get("reason")) and "asked_by" not in detail:
            return Cancel(actor=event.actor or "", reason=reason, at=event.recorded_at)
    return None
