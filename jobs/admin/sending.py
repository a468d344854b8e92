"""What a notification job sends and to whom, for its own page and its dead letter's."""

from dataclasses import dataclass

from django.http import HttpRequest

from jobs.models import Delivery, Job
from tenancy.access import Permission
from tenancy.admin.rights import rights_of

EXCERPT_CHARACTERS = 500


@dataclass(frozen=True, kw_only=True)
class Sending:
    """A delivery, as far as the person may see it.

    may_see_endpoint: whether its page opens to them. status, excerpt: of the last answer, if one
    came.
    """

    delivery: Delivery
    may_see_endpoint: bool
    status: int | None
    excerpt: str

    @classmethod
    def of(cls, request: HttpRequest, job: Job | None) -> "Sending | None":
        """The delivery that the payload names; None where there is none to see."""
        if job is None or not rights_of(request).may(Permission.DELIVERY_VIEW, job):
            return None
        key = job.payload.get("delivery_id") if isinstance(job.payload, dict) else None
        if key is None or not job.job_type.startswith("notifications."):
            return None
        mine = Delivery.objects.filter(organization_id=job.organization_id)
        # By the job's own id, which the ledger wrote; the payload only leads to the row.
        delivery = mine.filter(pk=key, job_id=job.pk).select_related("event", "endpoint").first()
        if delivery is None:
            return None
        last = delivery.attempts.order_by("-fence").first()
        return cls(
            delivery=delivery,
            may_see_endpoint=rights_of(request).may(Permission.ENDPOINT_VIEW, job),
            status=last.response_status if last else None,
            excerpt=last.response_body[:EXCERPT_CHARACTERS] if last else "",
        )
