"""Queues: what waits, per group and organization, what operators set on it, and setting it.

Operators only. A queue is addressed by organization and group, because most have no row.
"""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse

from jobs.admin import queue_lines
from jobs.admin.queue_deeds import DEEDS, LIMITS, Deed
from jobs.admin.queue_lines import MOST_DIGITS, Page
from jobs.broker.errors import BrokerUnavailable
from jobs.explain import explain_queue
from jobs.job_types import GROUPS
from jobs.ledger.controls import QueueControl
from jobs.ledger.publish import queues
from tenancy.access import Permission
from tenancy.admin.base import ONE_LOOK, Button
from tenancy.admin.confirm import ask_with, done
from tenancy.admin.lists import ListAdmin
from tenancy.admin.names import names_of
from tenancy.admin.rights import rights_of
from tenancy.models import SITE_ORGANIZATION_ID, Organization
from tenancy.scope import report_look

ALL = "all"
"""In the place of a group: every one of them."""


@admin.register(QueueControl)
class QueueAdmin(ListAdmin):
    """The page of a group, of an organization's queues, and of one queue."""

    section, icon, rank = "Jobs", "traffic", 15

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Queues of every organization stand side by side here."""
        return rights_of(request).may(Permission.QUEUE_MANAGE)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """As `has_view_permission`."""
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody: a queue is there without a row."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody, through a form of the row."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def get_urls(self) -> list[Any]:
        """Django's addresses, that of a queue, and those of what is done to it."""
        below = "of/<int:organization_id>/<slug:group>/"
        view = self.admin_site.admin_view
        return [
            path(below, view(self.queue_view), name="jobs_queuecontrol_queue"),
            path(f"{below}<slug:deed>/", view(self.deed_view), name="jobs_queuecontrol_deed"),
            *super().get_urls(),
        ]

    # -- the list -----------------------------------------------------------------------------

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One group: whose jobs wait longest, on whom something is set, or who is searched for."""
        self._require(request)
        asked = request.GET.get("organization", "")
        if organization := _found(asked):
            return self._of_organization(request, organization)
        group = request.GET.get("group")
        group = group if group in GROUPS else GROUPS[0]
        term = request.GET.get("q", asked).strip()
        show = request.GET.get("show", "waiting")
        away = ""
        totals, page = {}, Page(lines=[])
        try:
            totals = {one: queues().totals(one) for one in GROUPS}
        except BrokerUnavailable as error:
            away = str(error)
        after = request.GET.get("after", "")
        if term:
            page = queue_lines.matching(group, term)
        elif show == "set":
            page = queue_lines.controlled(group, after)
        elif not away:
            page = queue_lines.waiting(group, after)
        context = {
            "title": "Queues",
            "groups": [(one, totals.get(one)) for one in GROUPS],
            "group": group,
            "term": term,
            "show": show,
            "away": away,
            "page": page,
        }
        return self._rendered(request, "admin/jobs/queues.html", context)

    def _of_organization(self, request: HttpRequest, of: Organization) -> HttpResponse:
        self._look(request, of)
        context = {
            "title": f"Queues of {of}",
            "organization": of,
            "page": Page(lines=queue_lines.of_organization(of)),
            "actions_detail": [
                _button(deed).shown(_address(of.pk, ALL, deed.route)) for deed in DEEDS.values()
            ],
        }
        return self._rendered(request, "admin/jobs/queues_of_organization.html", context)

    # -- one queue ----------------------------------------------------------------------------

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """A row leads to the page of its queue."""
        self._require(request)
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        return HttpResponseRedirect(_address(row.organization_id, row.queue_group))

    def queue_view(self, request: HttpRequest, organization_id: int, group: str) -> HttpResponse:
        """What waits, what is set, why nothing starts, and the buttons."""
        self._require(request)
        of = _organization(organization_id)
        if group not in GROUPS:
            raise Http404
        self._look(request, of)
        [line] = [one for one in queue_lines.of_organization(of) if one.group == group]
        control = line.control
        context = {
            "title": f"{group} of {of}",
            "line": line,
            "why": explain_queue(of.pk, group),
            "changed_by": names_of([control.changed_by]) if control else {},
            "control": control,
            "actions_detail": [
                _button(deed).shown(_address(of.pk, group, deed.route))
                for deed in DEEDS.values()
                if deed.offered(control)
            ],
        }
        return self._rendered(request, "admin/jobs/queue.html", context)

    def deed_view(
        self, request: HttpRequest, organization_id: int, group: str, deed: str
    ) -> HttpResponse:
        """Ask for a reason, do it, and say what was done."""
        self._require(request)
        of = _organization(organization_id)
        if deed not in DEEDS or group not in (*GROUPS, ALL):
            raise Http404
        one = DEEDS[deed]
        only = None if group == ALL else group
        queue = f"all queues of {of}" if only is None else f"the queue {group} of {of}"
        back = _list(of.pk) if only is None else _address(of.pk, group)
        form = one.form(
            request.POST if request.method == "POST" else None,
            initial=_initial(of.pk, only) if one is LIMITS else None,
        )
        answer = ask_with(request, self, one.question(queue, back=back), form)
        if isinstance(answer, HttpResponse):
            return answer
        return done(request, one.said(queue, one.perform(of.pk, only, answer)), back)

    # -- below all of them --------------------------------------------------------------------

    def _require(self, request: HttpRequest) -> None:
        """Raise Http404 for everybody else: nobody learns what there is."""
        if not self.has_view_permission(request):
            raise Http404

    def _look(self, request: HttpRequest, of: Organization) -> None:
        """It stands in that organization's log too."""
        report_look(f"{request.method} {request.path}", of.pk, quiet_for=ONE_LOOK)

    def _rendered(
        self, request: HttpRequest, template: str, context: dict[str, Any]
    ) -> TemplateResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, template, context)


def _button(deed: Deed) -> Button:
    return Button(
        title=deed.button or deed.verb, route=deed.route, icon=deed.icon, variant=deed.variant
    )


def _initial(organization_id: int, group: str | None) -> dict[str, Any]:
    """What is set now; of all groups together, nothing."""
    rows = QueueControl.objects.filter(organization_id=organization_id, queue_group=group)
    control = rows.first() or QueueControl()
    return {name: getattr(control, name) for name in LIMITS.form.base_fields if name != "reason"}


def _organization(key: int) -> Organization:
    """Raises Http404."""
    if (found := _found(str(key))) is None:
        raise Http404
    return found


def _found(key: str) -> Organization | None:
    if not key.isdecimal() or len(key) > MOST_DIGITS:
        return None
    return Organization.objects.filter(pk=int(key)).exclude(pk=SITE_ORGANIZATION_ID).first()


def _address(organization_id: int, group: str, deed: str = "") -> str:
    if deed:
        return reverse("admin:jobs_queuecontrol_deed", args=[organization_id, group, deed])
    return reverse("admin:jobs_queuecontrol_queue", args=[organization_id, group])


def _list(organization_id: int) -> str:
    return f"{reverse('admin:jobs_queuecontrol_changelist')}?organization={organization_id}"
