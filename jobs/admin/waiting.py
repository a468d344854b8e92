"""Why a job does not run now, on its page, with the button that lifts it."""

from dataclasses import dataclass
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse

from jobs.explain import Cause, explain
from jobs.ledger.states import WAITING, State
from jobs.models import Job
from tenancy.access import Permission
from tenancy.admin.rights import rights_of

LIFTS = {"resume": "Resume its queue", "limits": "Change the limits of its queue"}


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """The box. lift: title and address of the button, for those who may press it."""

    sentence: str
    jobs: list[UUID]
    lift: tuple[str, str] | None

    @classmethod
    def of(cls, request: HttpRequest, job: Job) -> "Waiting | None":
        """None for a job that runs or has ended."""
        if job.state not in (*WAITING, State.RUNNING):
            return None
        may_lift = rights_of(request).may(Permission.QUEUE_MANAGE)
        told = explain(job, to_operator=rights_of(request).is_operator)
        if told.cause == Cause.RUNNING:
            return None
        lift = None
        if told.lift and may_lift:
            place = [job.organization_id, job.queue_group, told.lift]
            lift = (LIFTS[told.lift], reverse("admin:jobs_queuecontrol_deed", args=place))
        return cls(sentence=told.sentence, jobs=told.jobs, lift=lift)
