"""Imports: upload a file, say how it is to be read, look at the plan, have it done, take it back.

The page of an import shows what its state needs: questions, plan, progress, what came of it. Every
button leads to one function of `transfers.imports`; what that refuses is said on the page.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from unfold.enums import ActionVariant

from jobs.admin import import_story as story
from jobs.admin.import_forms import ChoicesForm, RemovalsForm, UploadForm
from jobs.families.transfers.errors import NotThere
from jobs.families.transfers.imports import decide, report
from jobs.families.transfers.imports.errors import ImportRefused, NotApprovable, NotUndoable
from jobs.families.transfers.imports.states import ASKING, AT_REST, ImportState
from jobs.families.transfers.imports.upload import PERMISSIONS, upload
from jobs.families.transfers.imports.work import JOB_TYPES
from jobs.families.transfers.models import Import, ImportKind, RowIssue
from tenancy import uploads
from tenancy.access import Permission
from tenancy.admin.base import BY_ORGANIZATION, Button, TenantAdmin, visible
from tenancy.admin.columns import column
from tenancy.admin.confirm import Question, ask_with, done
from tenancy.admin.filters import chosen
from tenancy.admin.names import names_of
from tenancy.admin.once import form_id
from tenancy.admin.rights import rights_of
from tenancy.admin.times import ago

ISSUES = 50
CONFIRMED_BY = {"too_many_errors": "confirm_errors", "same_as_before": "again"}
"""Refusals that a person may overrule, and the argument of `approve` that does."""
TYPED = "many_removals"
"""One that is overruled by typing its number."""
ENDED = {*AT_REST, ImportState.UNDOING} - {ImportState.STOPPED}
UNDOABLE = (ImportState.COMPLETED, ImportState.STOPPED, ImportState.CANCELLED)


@admin.register(Import)
class ImportAdmin(TenantAdmin):
    """Files on their way into an organization, newest first."""

    section, icon, rank = "Transfers", "upload_file", 10
    view_permission = Permission.TRANSFER_VIEW
    add_permission = Permission.TRANSFER_IMPORT
    routes: ClassVar = {
        "choose": "choose_view",
        "approve": "approve_view",
        "cancel": "cancel_view",
        "resume": "resume_view",
        "undo": "undo_view",
        "progress": "progress_view",
        "report": "report_view",
    }

    list_display = ("file_name", "kind", "shown_state", "rows", "outcome", "who", "age")
    list_filter = (
        BY_ORGANIZATION,
        chosen("state", "state", lambda: ImportState.choices),
        chosen("kind", "kind", lambda: ImportKind.choices),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Import]:
        """Those of rosters, whose every cell is about a person, only for who may import one."""
        rosters = visible(request, Import, PERMISSIONS["roster"]).filter(kind="roster")
        return super().get_queryset(request).exclude(kind="roster") | rosters

    @column("state", labels=story.STATE_LABELS)
    def shown_state(self, of: Import) -> str:
        """The state, as a label with its word."""
        return ImportState(of.state).label

    @column("rows")
    def rows(self, of: Import) -> str:
        """How many the file has, once they have been counted."""
        counted = (of.survey or {}).get("rows")
        return "–" if counted is None else f"{counted:,}"

    @column("outcome")
    def outcome(self, of: Import) -> str:
        """What was done, or would be."""
        return story.told(of.done) if of.done else story.told(story.plan(of)) if of.plan else "–"

    def prepare(self, request: HttpRequest, rows: list[Import]) -> None:
        """Name those who sent them."""
        names = names_of(one.actor_id for one in rows)
        for one in rows:
            one.who = names.get(one.actor_id, one.actor_id)  # type: ignore[attr-defined]

    @column("by")
    def who(self, of: Import) -> str:
        """Who sent it."""
        return str(of.who)  # type: ignore[attr-defined]

    def age(self, of: Import) -> str:
        """When it was sent."""
        return ago(of.created_at)

    # -- a new one ------------------------------------------------------------------------------

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Take a file; the same form sent twice makes one import."""
        self.require(request, self.has_add_permission(request))
        form = self._upload_form(request)
        if request.method == "POST" and uploads.was_refused(request):
            form.add_error("file", "The file is larger than may be sent. Split it into several.")
        elif request.method == "POST" and uploads.was_cut(request):
            form.add_error("file", "The file did not arrive whole. Send it again.")
        elif form.is_valid() and (of := self._upload(request, form)):
            return _redirect(request, self.address(of))
        context = {"title": "Upload a file", "form": form, "form_id": form_id()}
        return self._page(request, "upload", context)

    def _upload_form(self, request: HttpRequest) -> UploadForm:
        form = UploadForm(request.POST or None, request.FILES or None)
        may = rights_of(request).may
        kinds = [
            one for one in ImportKind.choices if one[0] in JOB_TYPES and may(PERMISSIONS[one[0]])
        ]
        kind = form.fields["kind"]
        assert isinstance(kind, forms.ChoiceField)
        kind.choices = kinds
        form.fields = {"organization": self._organization_field(request), **form.fields}
        return form

    def _upload(self, request: HttpRequest, form: UploadForm) -> Import | None:
        given = form.cleaned_data
        file, organization, kind = given["file"], given["organization"], given["kind"]
        self.require(request, rights_of(request).may(PERMISSIONS[kind], organization))
        try:
            taken = upload(
                organization,
                file.name,
                file.chunks(),
                kind=kind,
                idempotency_key=request.POST.get("form_id", "")[:128],
                declared_bytes=file.size,
            )
        except ImportRefused as error:
            form.add_error("file", str(error))
            return None
        return taken.of_import

    # -- its page -------------------------------------------------------------------------------

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """What its state needs to be seen and decided."""
        return self._shown(request, self.get_object(request, object_id))

    def _shown(
        self, request: HttpRequest, of: Import, form: ChoicesForm | None = None
    ) -> HttpResponse:
        may = self._may_change(request, of)
        if form is None and may and of.state in ASKING and of.survey:
            form = ChoicesForm(of)
        code = request.GET.get("code", "")
        issues = RowIssue.objects.filter(organization_id=of.organization_id, of_import=of)
        issues = issues.filter(code=code) if code else issues
        names = names_of(filter(None, (of.actor_id, of.approved_by)))
        context = {
            "title": of.file_name,
            "original": of,
            "actions_detail": [
                one.shown(self.address(of, one.route)) for one in self.buttons(request, of)
            ],
            "sentence": story.sentence(of),
            "is_working": story.is_working(of),
            "progress": story.progress(of),
            "progress_address": self.address(of, "progress"),
            "questions": (of.survey or {}).get("questions", ()),
            "warnings": (of.survey or {}).get("warnings", ()),
            "is_asking": of.state == ImportState.CHECKED,
            "form": form,
            "choose_address": self.address(of, "choose"),
            "approve_address": self.address(of, "approve"),
            "may_approve": may and of.state == ImportState.VALIDATED,
            "plan": story.plan(of),
            "who": names.get(of.actor_id, of.actor_id),
            "approved_by": names.get(of.approved_by, of.approved_by),
            "reports": self._reports(of) if may else (),
            "report_address": self.address(of, "report"),
            "changes": may
            and story.changes(
                of, request.GET.get("changes", ""), request.GET.get("changes_page", "")
            ),
            "code": code,
            "issues": Paginator(issues, ISSUES).get_page(request.GET.get("page")),
        }
        return self._page(request, "import", context)

    def buttons(self, request: HttpRequest, obj: Import) -> list[Button]:
        """What can be done in this state, beside what its page asks."""
        if not self._may_change(request, obj):
            return []
        danger = ActionVariant.DANGER
        shown = []
        if obj.state == ImportState.STOPPED:
            shown.append(Button(title="Resume", route="resume", icon="play_arrow"))
        if obj.state not in ENDED:
            shown.append(Button(title="Cancel", route="cancel", icon="cancel", variant=danger))
        if obj.state in UNDOABLE and obj.checkpoint_chunk:
            shown.append(Button(title="Undo", route="undo", icon="undo", variant=danger))
        return shown

    def progress_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The progress alone, for the page that looks again; a new state is a new page."""
        of = self.get_object(request, object_id)
        context = {
            "original": of,
            "is_working": story.is_working(of),
            "progress": story.progress(of),
            "progress_address": self.address(of, "progress"),
        }
        response = self._page(request, "import_progress", context)
        if request.GET.get("state") != of.state:
            response["HX-Refresh"] = "true"
        return response

    def report_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Lead to the file of a report; one that has to be made first is there in a moment."""
        of = self._mine(request, object_id)
        which = request.GET.get("which", "bad")
        if which not in (*story.REPORTS, *report.OF_THE_PLAN):
            raise Http404
        try:
            return HttpResponseRedirect(report.link(of, which))
        except (ImportRefused, NotThere) as error:
            return self._refused(request, of, error)

    def _reports(self, of: Import) -> list[tuple[str, str]]:
        if of.plan is None or of.reports_removed_at or of.upload_removed_at:
            return []
        shown: list[str] = []
        if of.state in (*report.PLANNED, *report.ENDED):
            shown += report.OF_THE_FILE
        if of.state in report.ENDED:
            shown += report.OF_A_COMMIT
        return [(which, story.REPORTS[which]) for which in shown]

    # -- what is decided ------------------------------------------------------------------------

    def choose_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Take the answers; the file is checked again under them."""
        of = self._mine(request, object_id)
        if request.method != "POST" or of.state not in ASKING:
            return HttpResponseRedirect(self.address(of))
        form = ChoicesForm(of, request.POST)
        if not form.is_valid():
            return self._shown(request, of, form)
        return self._do(request, of, lambda: decide.choose(of, form.choices), "Read again.")

    def approve_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Have the plan done; what has to be confirmed is asked first, one after the other."""
        of = self._mine(request, object_id)
        if request.method != "POST":
            return HttpResponseRedirect(self.address(of))
        asked = [one for one in CONFIRMED_BY if one in request.POST]
        typed = RemovalsForm(request.POST)
        removals = typed.cleaned_data[TYPED] if typed.is_valid() else None
        confirmed = {CONFIRMED_BY[one]: request.POST[one] == "on" for one in asked}
        try:
            decide.approve(of, confirm_removals=removals, **confirmed)
        except NotApprovable as error:
            if error.code == TYPED:
                return self._confirm(request, of, asked, str(error), RemovalsForm())
            if error.code not in CONFIRMED_BY:
                return self._refused(request, of, error)
            return self._confirm(request, of, [*asked, error.code], str(error))
        except ImportRefused as error:
            return self._refused(request, of, error)
        return done(request, "Approved. It is written now.", self.address(of))

    def cancel_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """End it."""
        question = Question(
            title="Cancel this import?",
            button="Cancel the import",
            sentences=["What is written already stays, and can be undone."],
            danger=True,
        )
        return self._asked(request, object_id, question, decide.cancel, "Cancelled.")

    def resume_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Go on where it stopped."""
        question = Question(
            title="Resume this import?",
            button="Resume the import",
            sentences=["It goes on behind the last row that is written."],
        )
        return self._asked(request, object_id, question, decide.resume, "It goes on.")

    def undo_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Take it back."""
        of = self._mine(request, object_id)
        try:
            counts, kept = story.undo_plan(decide.plan_undo(of))
        except NotUndoable as error:
            if error.code != "too_many_to_preview":
                return self._refused(request, of, error)
            counts, kept = None, [str(error)]
        except ImportRefused as error:
            return self._refused(request, of, error)
        question = Question(
            title="Undo this import?",
            button="Undo the import",
            sentences=[story.UNDOES[ImportKind(of.kind)], *kept],
            counts=counts,
            danger=True,
        )
        return self._asked(request, object_id, question, decide.undo, "It is taken back now.")

    # -- below all of them ----------------------------------------------------------------------

    def _may_change(self, request: HttpRequest, of: Import) -> bool:
        return rights_of(request).may(PERMISSIONS[of.kind], of)

    def _mine(self, request: HttpRequest, object_id: str) -> Import:
        of: Import = self.get_object(request, object_id)
        self.require(request, self._may_change(request, of))
        return of

    def _asked(
        self,
        request: HttpRequest,
        object_id: str,
        question: Question,
        deed: Callable[[Import], Import],
        said: str,
    ) -> HttpResponse:
        of = self._mine(request, object_id)
        form = forms.Form(request.POST if request.method == "POST" else None)
        answer = ask_with(request, self, question, form)
        if isinstance(answer, HttpResponse):
            return answer
        return self._do(request, of, lambda: deed(of), said)

    def _do(
        self, request: HttpRequest, of: Import, deed: Callable[[], Import], said: str
    ) -> HttpResponse:
        try:
            deed()
        except ImportRefused as error:
            return self._refused(request, of, error)
        return done(request, said, self.address(of))

    def _refused(self, request: HttpRequest, of: Import, error: Exception) -> HttpResponse:
        messages.error(request, str(error))
        return HttpResponseRedirect(self.address(of))

    def _confirm(
        self,
        request: HttpRequest,
        of: Import,
        codes: list[str],
        why: str,
        form: forms.Form | None = None,
    ) -> HttpResponse:
        question = Question(
            title="Approve it all the same?",
            button="Approve",
            sentences=[why],
            back=self.address(of),
            hidden=[(one, "on") for one in codes],
            danger=True,
        )
        shown = {"question": question, "title": question.title, "form": form or ()}
        return self._page(request, "", shown)

    def _page(
        self, request: HttpRequest, template: str, context: dict[str, Any]
    ) -> TemplateResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        name = f"admin/transfers/{template}.html" if template else "admin/confirm.html"
        return TemplateResponse(request, name, context)


def _redirect(request: HttpRequest, address: str) -> HttpResponse:
    """Also where a script sent the form, which would follow a redirect behind the page's back."""
    if "HX-Request" in request.headers:
        return HttpResponse(headers={"HX-Redirect": address})
    return HttpResponseRedirect(address)
