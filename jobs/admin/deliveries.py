"""What went to whom by which channel, attempt by attempt; and why something was not sent."""

from collections import Counter
from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from jobs.admin import acts, story
from jobs.admin.base import LedgerAdmin, is_uuid
from jobs.families.notifications.models import Channel, DeliveryState, Suppressed
from jobs.models import Attempt, Delivery, Job
from tenancy import clock
from tenancy.access import Permission
from tenancy.admin.base import BY_ORGANIZATION, Button
from tenancy.admin.columns import column
from tenancy.admin.filters import chosen, exactly, window
from tenancy.admin.rights import rights_of
from tenancy.admin.things import Thing, thing_of, things_of
from tenancy.admin.times import ago
from tenancy.models import DomainEvent, Mission

SIBLINGS = 200
MISSIONS = 20  # of one reference, each in an organization of its own
STATE_LABELS = {"Pending": "info", "Sent": "success", "Suppressed": None, "Dead": "danger"}


@admin.register(Delivery)
class DeliveryAdmin(LedgerAdmin):
    """Deliveries, newest first; at first those of the last day."""

    section, icon, rank = "Notifications", "mark_email_read", 20
    view_permission = Permission.DELIVERY_VIEW
    routes: ClassVar = {"retry": "retry_view"}

    list_display = ("event_type", "about", "channel", "to", "shown_state", "why", "age")
    list_select_related = ("organization", "event", "endpoint")
    list_filter = (
        BY_ORGANIZATION,
        chosen("state", "state", lambda: DeliveryState.choices),
        chosen("channel", "channel", lambda: Channel.choices),
        window("created_at"),
        exactly("endpoint", "endpoint number", field="endpoint_id"),
        exactly("event", "event number", field="event_id"),
    )
    search_fields = ("pk",)
    search_help_text = "A delivery's id, a mail address or a mission's reference, in full"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Delivery], search_term: str
    ) -> tuple[QuerySet[Delivery], bool]:
        """The delivery of this id, or those to this mailbox, or about the mission of this name."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if is_uuid(term):
            return queryset.filter(pk=term), False
        if "@" in term:
            return queryset.filter(mailbox=term), False
        about = Q(pk__in=())
        for organization, mission in _missions(term):
            of_mission = DomainEvent.objects.filter(
                organization_id=organization, mission_id=mission
            )
            about |= Q(organization_id=organization, event__in=of_mission.order_by().values("pk"))
        return queryset.filter(about), False

    @column("event")
    def event_type(self, delivery: Delivery) -> str:
        """What happened."""
        return str(delivery.event.event_type)

    def prepare(self, request: HttpRequest, rows: list[Delivery]) -> None:
        """Name what their events are about."""
        things = things_of(request, [about(one) for one in rows])
        for one in rows:
            one.thing = things.get(about(one))  # type: ignore[attr-defined]

    @column("about")
    def about(self, delivery: Delivery) -> str:
        """The mission, leading to it."""
        thing: Thing | None = delivery.thing  # type: ignore[attr-defined]
        return thing.link if thing else " ".join(about(delivery))

    @column("to")
    def to(self, delivery: Delivery) -> str:
        """The mailbox or the endpoint."""
        return recipient(delivery)

    @column("state", labels=STATE_LABELS)
    def shown_state(self, delivery: Delivery) -> str:
        """The state, as a label with its word."""
        return DeliveryState(delivery.state).label

    @column("why not")
    def why(self, delivery: Delivery) -> str:
        """The reason of what was not sent."""
        return reason(delivery)

    def age(self, delivery: Delivery) -> str:
        """Since when it exists."""
        return ago(delivery.created_at)

    # -- one delivery ---------------------------------------------------------------------------

    def buttons(self, request: HttpRequest, obj: Delivery) -> list[Button]:
        """A dead one can be sent again."""
        job = self._job(obj)
        if job and acts.RETRY.legal(job) and self.has_manage_permission(request, obj):
            return [acts.RETRY.button]
        return []

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """One delivery's attempts, and what became of its event elsewhere."""
        delivery = self.get_object(request, object_id)
        self.note_the_look(request, delivery)
        job = self._job(delivery)
        siblings = list(
            Delivery.objects.filter(
                organization_id=delivery.organization_id, event_id=delivery.event_id
            ).select_related("endpoint")[:SIBLINGS]
        )
        context = {
            **self.admin_site.each_context(request),
            "title": f"{delivery.event.event_type} to {recipient(delivery)}",
            "subtitle": str(delivery.pk),
            "opts": self.opts,
            "original": delivery,
            "actions_detail": [
                one.shown(self.address(delivery, one.route))
                for one in self.buttons(request, delivery)
            ],
            "is_operator": rights_of(request).is_operator,
            "may_see_endpoint": rights_of(request).may(Permission.ENDPOINT_VIEW, delivery),
            "sentence": sentence(delivery, job, clock.now()),
            "job": job,
            "about": thing_of(request, *about(delivery)),
            "attempts": attempts_told(delivery),
            "siblings": [
                {"row": one, "to": recipient(one), "reason": reason(one)} for one in siblings
            ],
            "sums": sums(siblings),
        }
        return TemplateResponse(request, "admin/notifications/delivery.html", context)

    def retry_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send a dead one again, under the same id."""
        delivery = self.get_object(request, object_id)
        job = self._job(delivery)
        return self.act(request, delivery, acts.RETRY, [job.pk] if job else [])

    def _job(self, delivery: Delivery) -> Job | None:
        if delivery.job_id is None:
            return None
        return Job.objects.filter(
            organization_id=delivery.organization_id, pk=delivery.job_id
        ).first()


def _missions(reference: str) -> list[tuple[int, int]]:
    """Organization and number of each of this reference that the person may see."""
    found = Mission.objects.filter(reference=reference).order_by()
    return list(found.values_list("organization_id", "pk")[:MISSIONS])


def about(delivery: Delivery) -> tuple[str, str]:
    """Kind and id of what its event is about: the mission, where there is one."""
    event = delivery.event
    if event.mission_id is not None:
        return "mission", str(event.mission_id)
    return event.entity_type, str(event.entity_id)


def recipient(delivery: Delivery) -> str:
    """The mailbox or the endpoint's name."""
    return delivery.endpoint.name if delivery.endpoint else delivery.mailbox


def reason(delivery: Delivery) -> str:
    """Why it was not sent, in words."""
    if delivery.state == DeliveryState.SUPPRESSED:
        return Suppressed(delivery.reason).label
    if delivery.reason == "cancelled":
        return "A person cancelled it"
    known = story.REASONS.get(delivery.reason, delivery.reason.replace("_", " "))
    return known[:1].upper() + known[1:]


def sentence(delivery: Delivery, job: Job | None, now: datetime) -> str:
    """What happened, and what happens next."""
    match DeliveryState(delivery.state):
        case DeliveryState.SENT:
            return "Sent, and confirmed by the other side. It is never sent again."
        case DeliveryState.SUPPRESSED:
            return f"Not sent: {reason(delivery)}. Nothing more happens."
        case DeliveryState.DEAD if job is not None and not job.is_final:
            return f"Was not sent and is tried again. {story.sentence(job, (), now)}"
        case DeliveryState.DEAD:
            return f"Not sent: {reason(delivery)}. Mend the cause, then retry."
        case DeliveryState.PENDING:
            return story.sentence(job, (), now) if job else "On its way."


def attempts_told(delivery: Delivery) -> list[dict[str, Any]]:
    """Each attempt, with when the next one was or is due."""
    ledger = Attempt.objects.filter(organization_id=delivery.organization_id)
    ledger = ledger.filter(job=delivery.job_id) if delivery.job_id else ledger.none()
    due = {attempt.fence: attempt.retry_at for attempt in ledger}
    return [{"row": one, "next": due.get(one.fence)} for one in delivery.attempts.all()]


def sums(siblings: list[Delivery]) -> dict[str, int]:
    """By state: recipients × channels = sent + suppressed + dead, once nothing is pending."""
    counts = Counter(DeliveryState(one.state).label for one in siblings)
    return {state.label: counts[state.label] for state in DeliveryState if counts[state.label]}
