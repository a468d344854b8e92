"""The pages: matrix, editor with live preview, comparison of two versions.

Thin: what they show comes from `matrix` and `preview`, what they do from `versions`, which asks
`tenancy.access` once more and writes the audit log.
"""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.http import require_GET, require_POST

from templates import catalogue, differences, language, schema, versions
from templates.admin import matrix
from templates.admin.editor import ALL_LANGUAGES, LOCALE, EditorForm, Place, published
from templates.catalogue import Sources
from templates.composition import Message
from templates.errors import EditConflict, HelperUnavailable, PublishRefused
from templates.models import NotificationTemplate, TemplateVersion
from templates.preview import Preview, cases_of, compare, preview, recent_events
from templates.render import options_for
from tenancy.access import Permission
from tenancy.admin.base import TenantAdmin, visible
from tenancy.admin.rights import rights_of
from tenancy.models import Organization

FRAME_POLICY = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "style-src 'unsafe-inline'; img-src https:\">"
)
ORGANIZATIONS_SHOWN = 50


@admin.register(NotificationTemplate)
class NotificationTemplateAdmin(TenantAdmin):
    """An organization's own wording of its notifications."""

    section, icon, rank = "Notifications", "edit_note", 30
    view_permission = Permission.TEMPLATE_VIEW

    def get_urls(self) -> list[Any]:
        """The matrix is the list; every other page is about a place in it."""
        place = "<int:organization_id>/<str:event>/<str:channel>/<str:locale>/"
        prefix = f"{self.opts.app_label}_{self.opts.model_name}"
        pages = {
            "": ("editor", self.editor_view),
            "preview/": ("preview", require_POST(self.preview_view)),
            "compare/": ("compare", require_GET(self.compare_view)),
            "restore/": ("restore", require_POST(self.restore_view)),
            "withdraw/": ("withdraw", require_POST(self.withdraw_view)),
        }
        own = [
            path(place + address, self.admin_site.admin_view(view), name=f"{prefix}_{name}")
            for address, (name, view) in pages.items()
        ]
        return [*own, *super().get_urls()]

    # -- the matrix ---------------------------------------------------------------------------

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Events × channels of one organization; whoever sees several chooses first."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        choices = visible(request, Organization, self.view_permission).order_by("name")
        chosen = request.GET.get("organization", "")
        if chosen.isdecimal():
            return self._matrix(request, get_object_or_404(choices, pk=int(chosen)))
        searched = request.GET.get("q", "").strip()
        shown = list(choices.filter(name__istartswith=searched)[: ORGANIZATIONS_SHOWN + 1])
        if len(shown) == 1 and not searched:
            return self._matrix(request, shown[0])
        context = {
            "title": "Notification templates: choose an organization",
            "organizations": shown[:ORGANIZATIONS_SHOWN],
            "more": len(shown) > ORGANIZATIONS_SHOWN,
            "searched": searched,
        }
        return self._page(request, "choose", context)

    def _matrix(self, request: HttpRequest, organization: Organization) -> HttpResponse:
        if "event" in request.GET:  # the editor's field for another language
            asked = {name: request.GET.get(name, "") for name in ("event", "channel", "locale")}
            return HttpResponseRedirect(self._place(request, organization.pk, **asked).address())
        context = {
            "title": f"Notification templates of {organization}",
            "organization": organization,
            "channels": catalogue.CHANNELS,
            "rows": matrix.matrix(organization),
            "all_languages": ALL_LANGUAGES,
        }
        return self._page(request, "matrix", context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """A template's own page is its editor."""
        one = self.get_object(request, object_id)
        event = catalogue.event_type(one.event_type)
        place = Place(
            organization=one.organization, event=event, channel=one.channel, locale=one.locale
        )
        return HttpResponseRedirect(place.address())

    # -- the editor ---------------------------------------------------------------------------

    def editor_view(self, request: HttpRequest, **where: Any) -> HttpResponse:
        """Sources, problems and preview; POST saves, publishes, or only shows."""
        place = self._place(request, **where)
        if request.method != "POST":
            return self._editor(request, place)
        form = self._form(request, place, request.POST)
        if not form.is_valid():
            return self._editor(request, place, form=form)
        action = request.POST.get("action")
        if action not in ("save", "publish"):
            return self._editor(request, place, form=form, sources=form.sources())
        self._require_edit(request, place)
        return self._save(request, place, form, publish=action == "publish")

    def _save(
        self, request: HttpRequest, place: Place, form: EditorForm, *, publish: bool
    ) -> HttpResponse:
        try:
            version = versions.save_draft(
                place.organization.pk,
                place.event.name,
                place.channel,
                place.locale,
                form.sources(),
                base=form.cleaned_data["base"],
                note=form.cleaned_data["note"],
            )
        except EditConflict as conflict:
            return self._conflict(request, place, conflict)
        if not publish:
            messages.success(request, f"Saved {version} as a draft. It is not sent yet.")
            return HttpResponseRedirect(place.address())
        try:
            versions.publish(version)
        except (PublishRefused, HelperUnavailable) as refused:
            messages.error(request, f"Saved {version} as a draft. {refused}")
            return HttpResponseRedirect(place.address())
        messages.success(request, f"Published {version}. It is sent from now on.")
        return HttpResponseRedirect(place.address())

    def _conflict(self, request: HttpRequest, place: Place, conflict: EditConflict) -> HttpResponse:
        """Both texts, and the form on top of the newest version: saving again is a choice now."""
        messages.error(request, str(conflict))
        lines = {
            part: differences.side_by_side(conflict.theirs.get(part, ""), mine)
            for part, mine in conflict.yours.items()
        }
        return self._editor(
            request, place, sources=conflict.yours, base=conflict.newest, conflict=lines
        )

    def _editor(
        self,
        request: HttpRequest,
        place: Place,
        *,
        form: EditorForm | None = None,
        sources: Sources | None = None,
        base: int | None = None,
        conflict: dict[str, Any] | None = None,
    ) -> HttpResponse:
        saved = place.versions()
        newest = saved[0] if saved else None
        typed = sources if sources is not None else place.sources_of(newest)
        if form is None:
            number = newest.number if newest else 0
            initial = {**typed, "base": number if base is None else base}
            form = self._form(request, place, initial=initial)
        context = {
            "title": f"{place.event.title} by {place.channel}",
            "subtitle": place.locale or "every language",
            "is_fullwidth": "1",
            "place": place,
            "form": form,
            "versions": saved,
            "newest": newest,
            "published": published(saved),
            "can_edit": self._may_edit(request, place),
            "variables": list(schema.variables(place.event.schema(place.channel))),
            "filters": sorted(language.FILTERS),
            "conflict": conflict,
            **self._shown(place, typed, request.POST.get("case", "")),
        }
        return self._page(request, "editor", context)

    def preview_view(self, request: HttpRequest, **where: Any) -> HttpResponse:
        """The preview alone, for what is typed now; nothing is saved."""
        place = self._place(request, **where)
        form = self._form(request, place, request.POST)
        form.is_valid()
        sources = {part: request.POST.get(part, "").replace("\r\n", "\n") for part in form.parts}
        context = {"place": place, **self._shown(place, sources, request.POST.get("case", ""))}
        return TemplateResponse(request, self._template("preview"), context)

    def _shown(self, place: Place, sources: Sources, case: str) -> dict[str, Any]:
        try:
            seen = self._preview(place, sources)
        except HelperUnavailable as error:
            return {"unavailable": str(error)}
        current = seen.named(case)
        return {"preview": seen, "current": current, "frame": frame(current.message)}

    def _preview(self, place: Place, sources: Sources) -> Preview:
        return preview(
            place.event.name,
            place.channel,
            sources,
            options_for(place.organization, place.locale),
            events=recent_events(place.organization.pk, place.event.name),
        )

    # -- versions -----------------------------------------------------------------------------

    def compare_view(self, request: HttpRequest, **where: Any) -> HttpResponse:
        """Two versions side by side, sources and results; number 0 is the system default."""
        place = self._place(request, **where)
        old, new = self._version(request, place, "old"), self._version(request, place, "new")
        old_sources, new_sources = place.sources_of(old), place.sources_of(new)
        try:
            compared = compare(
                place.event.name,
                place.channel,
                old_sources,
                new_sources,
                options_for(place.organization, place.locale),
                events=recent_events(place.organization.pk, place.event.name),
            )
        except HelperUnavailable as error:
            messages.error(request, str(error))
            compared = []
        context = {
            "title": f"{old or 'system default'} and {new or 'system default'}".capitalize(),
            "subtitle": f"{place.event.title} by {place.channel}",
            "is_fullwidth": "1",
            "place": place,
            "old": old,
            "new": new,
            "lines": {
                part: differences.side_by_side(old_sources.get(part, ""), new_sources.get(part, ""))
                for part in catalogue.parts(place.channel)
            },
            "compared": [(one, frame(one.old.message), frame(one.new.message)) for one in compared],
        }
        return self._page(request, "compare", context)

    def restore_view(self, request: HttpRequest, **where: Any) -> HttpResponse:
        """An older version's sources become the newest draft."""
        place = self._place(request, **where)
        self._require_edit(request, place)
        version = self._version(request, place, "version")
        base = request.POST.get("base", "")
        if version is None or not base.isdecimal():
            raise Http404
        try:
            restored = versions.restore(version, base=int(base))
        except EditConflict as conflict:
            messages.error(request, str(conflict))
        else:
            messages.success(request, f"Restored {version} as {restored}, a draft.")
        return HttpResponseRedirect(place.address())

    def withdraw_view(self, request: HttpRequest, **where: Any) -> HttpResponse:
        """Back to the system default."""
        place = self._place(request, **where)
        self._require_edit(request, place)
        template = place.template()
        number = versions.withdraw(template) if template else None
        if number is not None:
            messages.success(request, f"Withdrew version {number}. The system default is sent now.")
        return HttpResponseRedirect(place.address())

    # -- parts of these -----------------------------------------------------------------------

    def _place(
        self, request: HttpRequest, organization_id: int, event: str, channel: str, locale: str
    ) -> Place:
        organizations = visible(request, Organization, self.view_permission)
        organization = get_object_or_404(organizations, pk=organization_id)
        known = event in catalogue.EVENT_TYPES and channel in catalogue.CHANNELS
        if not known or not (LOCALE.fullmatch(locale) and len(locale) <= 16):
            raise Http404
        return Place(
            organization=organization,
            event=catalogue.event_type(event),
            channel=channel,
            locale="" if locale == ALL_LANGUAGES else locale,
        )

    def _version(self, request: HttpRequest, place: Place, name: str) -> TemplateVersion | None:
        asked = (request.POST or request.GET).get(name, "")
        if asked == "0":
            return None
        found = next((one for one in place.versions() if str(one.number) == asked), None)
        if found is None:
            raise Http404
        return found

    def _form(self, request: HttpRequest, place: Place, *args: Any, **options: Any) -> EditorForm:
        events = recent_events(place.organization.pk, place.event.name)
        cases = [(one.name, one.title) for one in cases_of(place.event.name, place.channel, events)]
        read_only = not self._may_edit(request, place)
        return EditorForm(*args, channel=place.channel, cases=cases, read_only=read_only, **options)

    def _may_edit(self, request: HttpRequest, place: Place) -> bool:
        return rights_of(request).may(Permission.TEMPLATE_EDIT, place.organization)

    def _require_edit(self, request: HttpRequest, place: Place) -> None:
        self.require(request, self._may_edit(request, place))

    def _page(self, request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
        around = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "matrix_address": reverse("admin:templates_notificationtemplate_changelist"),
        }
        return TemplateResponse(request, self._template(name), around | context)

    def _template(self, name: str) -> str:
        return f"admin/templates/notificationtemplate/{name}.html"


def frame(message: Message | None) -> str:
    """The document of a preview's frame, forbidden by itself to load or run anything."""
    if message is None or not message.html:
        return ""
    return message.html.replace("<head>", f"<head>{FRAME_POLICY}", 1)
