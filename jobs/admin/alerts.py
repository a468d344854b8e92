"""Alerts: what is wrong, since when, who was told, and where to look. Operators only."""

from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html_join

from jobs.admin.base import BY_GROUP
from jobs.alerts.conditions import Kind
from jobs.alerts.models import Alert
from jobs.alerts.states import AlertState
from jobs.alerts.words import ADVICE, lists, sentence
from tenancy.admin.base import BY_ORGANIZATION, ONE_LOOK, OperatorsOnly
from tenancy.admin.columns import column
from tenancy.admin.filters import chosen
from tenancy.admin.lists import ListAdmin
from tenancy.admin.times import ago, span
from tenancy.scope import report_look

STATES = {"Open": "danger", "Pending": "warning", "Closed": None}


@admin.register(Alert)
class AlertAdmin(OperatorsOnly, ListAdmin):
    """The open ones, and as history those that closed."""

    section, icon, rank = "Jobs", "notifications_active", 5

    list_display = ("what", "organization", "shown_state", "since", "lasted", "told_to", "look")
    list_filter: ClassVar[Any] = (
        chosen("state", "state", lambda: AlertState.choices, default=AlertState.OPEN),
        BY_ORGANIZATION,
        chosen("kind", "kind", lambda: Kind.choices),
        BY_GROUP,
    )
    list_select_related = ("organization",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alert]:
        """Read with their organizations."""
        return Alert.objects.select_related("organization")

    @column("what is wrong")
    def what(self, alert: Alert) -> str:
        """In a sentence."""
        return sentence(alert)

    @column("state", labels=STATES)
    def shown_state(self, alert: Alert) -> str:
        """Pending, open or closed."""
        return str(AlertState(alert.state).label)

    def since(self, alert: Alert) -> str:
        """When it began."""
        return ago(alert.began_at)

    def lasted(self, alert: Alert) -> str:
        """From open to closed."""
        return lasted(alert)

    @column("told")
    def told_to(self, alert: Alert) -> str:
        """Whether everybody who should know does."""
        if alert.tell_error:
            return "not yet: see its page"
        return ", ".join(alert.told) or "nobody"

    @column("look at")
    def look(self, alert: Alert) -> str:
        """The lists behind it."""
        return format_html_join(
            " · ",
            '<a class="text-primary-600 underline dark:text-primary-500" href="{}">{}</a>',
            [(address, title.lower()) for title, address in lists(alert).items()],
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """One alert: what to do, and who was told."""
        alert = self.get_object(request, unquote(object_id))
        if alert is None or not self.has_view_permission(request):
            raise Http404
        if alert.organization_id is not None:
            reason = f"{request.method} {request.path}"
            report_look(reason, alert.organization_id, quiet_for=ONE_LOOK)
        context = {
            **self.admin_site.each_context(request),
            "title": sentence(alert),
            "subtitle": alert.organization.name if alert.organization else "",
            "opts": self.opts,
            "original": alert,
            "began": ago(alert.began_at),
            "opened": ago(alert.opened_at),
            "closed": ago(alert.closed_at),
            "advice": ADVICE[Kind(alert.kind)],
            "lists": lists(alert),
            "told": _told(alert),
            "again": ago(alert.tell_at) if alert.tell_error else "",
        }
        return TemplateResponse(request, "admin/jobs/alert.html", context)


def lasted(alert: Alert) -> str:
    """How long it was open; of an open one nothing can be said yet."""
    if alert.opened_at is None or alert.closed_at is None:
        return "–"
    return span(alert.closed_at - alert.opened_at)


def _told(alert: Alert) -> list[tuple[str, str, str]]:
    """Channel, what it was told, when."""
    return [
        (channel, state, ago(datetime.fromisoformat(moment)))
        for channel, states in alert.told.items()
        for state, moment in states.items()
    ]
