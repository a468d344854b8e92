"""Exports: ask for a file, watch it being written, cancel it, download it.

What may be asked for, cancelled and downloaded is decided by `transfers.exports.request`; what that
refuses is said on the page.
"""

from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.enums import ActionVariant

from jobs.admin.export_forms import ExportForm, KindForm
from jobs.errors import NotInState
from jobs.families.transfers.errors import NotThere
from jobs.families.transfers.exports import request as exports
from jobs.families.transfers.exports.about import PERMISSIONS
from jobs.families.transfers.models import Export, ExportState, ImportKind
from jobs.families.transfers.rules.fields import Kind
from tenancy.access import Permission
from tenancy.admin.base import BY_ORGANIZATION, Button, TenantAdmin, visible
from tenancy.admin.columns import column
from tenancy.admin.confirm import Question, ask_with, done
from tenancy.admin.filters import chosen
from tenancy.admin.names import names_of
from tenancy.admin.once import form_id, is_repeated, remember
from tenancy.admin.rights import rights_of
from tenancy.admin.times import ago

OPEN = (ExportState.QUEUED, ExportState.RUNNING)
STATE_LABELS = {
    "Queued": "info",
    "Running": "primary",
    "Completed": "success",
    "Failed": "danger",
    "Cancelled": None,
    "Expired": None,
}
SENTENCES = {
    ExportState.QUEUED: "It waits for a worker.",
    ExportState.RUNNING: "A worker writes the file.",
    ExportState.COMPLETED: "The file is ready. It can be downloaded until the moment below.",
    ExportState.FAILED: "No file was written. Its job says why, and can be retried.",
    ExportState.CANCELLED: "It was cancelled. There is no file.",
    ExportState.EXPIRED: "The file was removed. Ask for a new export.",
}


@admin.register(Export)
class ExportAdmin(TenantAdmin):
    """Files on their way out of an organization, newest first."""

    section, icon, rank = "Transfers", "download", 11
    view_permission = Permission.TRANSFER_VIEW
    add_permission = Permission.TRANSFER_EXPORT
    routes: ClassVar = {
        "cancel": "cancel_view",
        "download": "download_view",
        "progress": "progress_view",
    }

    list_display = ("__str__", "shown_state", "progress", "who", "age", "until")
    list_filter = (
        BY_ORGANIZATION,
        chosen("state", "state", lambda: ExportState.choices),
        chosen("kind", "kind", lambda: ImportKind.choices),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Export]:
        """Those of rosters only for who may export one: even their filters are about people."""
        rosters = visible(request, Export, PERMISSIONS["roster"]).filter(kind="roster")
        return super().get_queryset(request).exclude(kind="roster") | rosters

    def prepare(self, request: HttpRequest, rows: list[Export]) -> None:
        """Name those who asked."""
        names = names_of(one.actor_id for one in rows)
        for one in rows:
            one.who = names.get(one.actor_id, one.actor_id)  # type: ignore[attr-defined]

    @column("state", labels=STATE_LABELS)
    def shown_state(self, of: Export) -> str:
        """The state, as a label with its word."""
        return ExportState(of.state).label

    @column("rows")
    def progress(self, of: Export) -> str:
        """How many are written, of how many."""
        return done_so_far(of)

    @column("by")
    def who(self, of: Export) -> str:
        """Who asked."""
        return str(of.who)  # type: ignore[attr-defined]

    def age(self, of: Export) -> str:
        """When it was asked for."""
        return ago(of.created_at)

    @column("download until")
    def until(self, of: Export) -> str:
        """When its file goes."""
        return f"{of.expires_at:%Y-%m-%d %H:%M} UTC" if has_file(of) else "–"

    # -- a new one ------------------------------------------------------------------------------

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """First whose and what, then the rest; the same form sent twice makes one export."""
        self.require(request, self.has_add_permission(request))
        about = self._kind_form(request)
        if not about.is_bound or not about.is_valid():
            return self._page(request, "export_kind", {"title": "Export", "form": about})
        organization, kind = about.cleaned_data["organization"], about.cleaned_data["kind"]
        self.require(request, rights_of(request).may(PERMISSIONS[kind], organization))
        data = request.POST if request.method == "POST" else None
        form = ExportForm(cast(Kind, kind), organization.pk, data)
        if form.is_valid():
            if is_repeated(request):
                messages.warning(request, "This form was sent before, so nothing was done again.")
                return HttpResponseRedirect("..")
            return self._ordered(organization.pk, form, request)
        context = {
            "title": f"Export the {kind} of {organization}",
            "form": form,
            "form_id": form_id(),
        }
        return self._page(request, "export_new", context)

    def _kind_form(self, request: HttpRequest) -> KindForm:
        form = KindForm(request.GET or None)
        organization = self._organization_field(request)
        form.fields = {"organization": organization, **form.fields}
        kinds = [one for one in PERMISSIONS if rights_of(request).may(PERMISSIONS[one])]
        form.offer(kinds)
        return form

    def _ordered(
        self, organization_id: int, form: ExportForm, request: HttpRequest
    ) -> HttpResponse:
        of = exports.ask(organization_id, **form.asked)
        remember(request)
        return done(request, "Asked for. A worker writes it.", self.address(of))

    # -- its page -------------------------------------------------------------------------------

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """What was asked for, how far it is, and its file."""
        of = self.get_object(request, object_id)
        names = names_of([of.actor_id])
        context = self._now(of) | {
            "title": str(of),
            "actions_detail": [
                one.shown(self.address(of, one.route)) for one in self.buttons(request, of)
            ],
            "sentence": SENTENCES[ExportState(of.state)],
            "has_file": has_file(of),
            "who": names.get(of.actor_id, of.actor_id),
        }
        return self._page(request, "export", context)

    def buttons(self, request: HttpRequest, obj: Export) -> list[Button]:
        """Cancel while it is written, download afterwards."""
        if not self._may(request, obj):
            return []
        if obj.state in OPEN and not obj.cancel_requested_at:
            danger = ActionVariant.DANGER
            return [Button(title="Cancel", route="cancel", icon="cancel", variant=danger)]
        if has_file(obj):
            primary = ActionVariant.PRIMARY
            return [Button(title="Download", route="download", icon="download", variant=primary)]
        return []

    def progress_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The progress alone, for the page that looks again; a new state is a new page."""
        of = self.get_object(request, object_id)
        response = self._page(request, "export_progress", self._now(of))
        if request.GET.get("state") != of.state:
            response["HX-Refresh"] = "true"
        return response

    def cancel_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """End it."""
        of = self._mine(request, object_id)
        question = Question(
            title="Cancel this export?",
            button="Cancel the export",
            sentences=["What is written so far is removed."],
            danger=True,
        )
        form = forms.Form(request.POST if request.method == "POST" else None)
        answer = ask_with(request, self, question, form)
        if isinstance(answer, HttpResponse):
            return answer
        try:
            exports.cancel(of)
        except NotInState as error:
            return self._refused(request, of, error)
        return done(request, "Cancelled. It ends within a second or so.", self.address(of))

    def download_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Lead to the file, by a link that is good for three minutes; each is in the audit log."""
        of = self._mine(request, object_id)
        try:
            return HttpResponseRedirect(exports.download(of))
        except NotInState as error:
            return self._refused(request, of, error)
        except NotThere:
            return self._refused(request, of, "The file was removed. Ask for a new export.")

    # -- below all of them ----------------------------------------------------------------------

    def _may(self, request: HttpRequest, of: Export) -> bool:
        return rights_of(request).may(PERMISSIONS[of.kind], of)

    def _mine(self, request: HttpRequest, object_id: str) -> Export:
        of: Export = self.get_object(request, object_id)
        self.require(request, self._may(request, of))
        return of

    def _now(self, of: Export) -> dict[str, Any]:
        return {
            "original": of,
            "is_open": of.state in OPEN,
            "done": done_so_far(of),
            "percent": min(100, 100 * of.rows // of.total) if of.total else None,
            "progress_address": self.address(of, "progress"),
        }

    def _refused(self, request: HttpRequest, of: Export, why: object) -> HttpResponse:
        messages.error(request, str(why))
        return HttpResponseRedirect(self.address(of))

    def _page(
        self, request: HttpRequest, template: str, context: dict[str, Any]
    ) -> TemplateResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, f"admin/transfers/{template}.html", context)


def done_so_far(of: Export) -> str:
    """Rows written, of those there are."""
    return f"{of.rows:,}" if of.total in (None, of.rows) else f"{of.rows:,} of {of.total:,}"


def has_file(of: Export) -> bool:
    """Whether it can be downloaded now."""
    until = of.expires_at if of.state == ExportState.COMPLETED else None
    return until is not None and until > timezone.now()
