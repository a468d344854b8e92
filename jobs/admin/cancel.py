"""Who asked for the end of a job, and why: from the audit log, which keeps it."""

import json
from dataclasses import dataclass
from datetime import datetime

from audit.models import AuditEvent
from jobs.models import Job
from tenancy.admin.names import names_of

ASKED = ("job.cancelled", "job.cancel_requested")


@dataclass(frozen=True, kw_only=True)
class Cancel:
    """A person's wish that a job end."""

    who: str
    reason: str
    at: datetime

    @classmethod
    def of(cls, job: Job) -> "Cancel | None":
        """The last one; None where nobody asked."""
        events = AuditEvent.objects.filter(
            organization_id=job.organization_id, target_type="job", target_id=str(job.pk)
        )
        for event in events.filter(action__in=ASKED):
            if reason := json.loads(event.event).get("detail", {}).get("reason"):
                actor = event.actor or ""
                who = names_of([actor]).get(actor, actor)
                return cls(who=who, reason=reason, at=event.recorded_at)
        return None
