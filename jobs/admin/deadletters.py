"""Dead letters: what needs a person, with retry and discard for one and for many."""

import uuid
from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from jobs import deadletters
from jobs.admin import story
from jobs.admin.acts import DISCARD, RETRY, Act
from jobs.admin.base import BY_GROUP, BY_REASON, BY_TYPE, LedgerAdmin, first_line
from jobs.admin.sending import Sending
from jobs.ledger.models import DeadLetter, DeadLetterState
from jobs.templatetags.jobs_admin import in_words
from tenancy import clock
from tenancy.admin.base import BY_ORGANIZATION, Button
from tenancy.admin.columns import column
from tenancy.admin.confirm import ask
from tenancy.admin.filters import chosen, exactly, window
from tenancy.admin.names import names_of
from tenancy.admin.things import thing_of
from tenancy.admin.times import ago

STATES = {"Open": "danger", "Replayed": "success", "Discarded": None}
RAW_SHOWN = 4096


@admin.register(DeadLetter)
class DeadLetterAdmin(LedgerAdmin):
    """Jobs, and messages that name none, that will not go on by themselves."""

    icon, rank = "inbox", 20
    acts = (RETRY, DISCARD)
    routes: ClassVar = {"retry": "retry_view", "discard": "discard_view"}
    actions = ("retry_selected", "discard_selected")

    list_display = ("shown_reason", "job_type", "error", "attempt", "last_failed", "shown_state")
    list_filter = (
        BY_ORGANIZATION,
        chosen("state", "state", lambda: DeadLetterState.choices, default=DeadLetterState.OPEN),
        BY_REASON,
        BY_TYPE,
        BY_GROUP,
        window("last_failed_at", default="all"),
        exactly("fingerprint", "fingerprint"),
    )
    list_select_related = ("organization", "job")
    search_fields = ("job_id",)
    search_help_text = "A job id, in full"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[DeadLetter], search_term: str
    ) -> tuple[QuerySet[DeadLetter], bool]:
        """The dead letters of one job."""
        try:
            wanted = uuid.UUID(search_term.strip()) if search_term.strip() else None
        except ValueError:
            return queryset.none(), False
        return (queryset.filter(job_id=wanted) if wanted else queryset), False

    @column("reason")
    def shown_reason(self, letter: DeadLetter) -> str:
        """Why it is one."""
        return in_words(letter.reason)

    @column("state", labels=STATES)
    def shown_state(self, letter: DeadLetter) -> str:
        """Whether it still needs somebody."""
        return letter.get_state_display()

    def error(self, letter: DeadLetter) -> str:
        """Class and first line."""
        first = first_line(letter.error_message)
        return f"{letter.error_class}: {first}" if letter.error_class else first

    @column("last failed")
    def last_failed(self, letter: DeadLetter) -> str:
        """When."""
        return ago(letter.last_failed_at)

    # -- many ---------------------------------------------------------------------------------

    @admin.action(permissions=["manage"], description="Retry selected")
    def retry_selected(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        """Run the selected ones again."""
        return self._act_on_many(request, queryset, RETRY)

    @admin.action(permissions=["manage"], description="Discard selected")
    def discard_selected(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        """Give the selected ones up."""
        return self._act_on_many(request, queryset, DISCARD)

    def _act_on_many(
        self, request: HttpRequest, queryset: QuerySet[DeadLetter], act: Act
    ) -> HttpResponse | None:
        letters = list(queryset)
        question = act.question(_jobs(letters), back=request.get_full_path(), of=len(letters))
        posted = [("action", request.POST["action"])]
        posted += [("_selected_action", str(letter.pk)) for letter in letters]
        answer = ask(request, self, question.with_hidden(posted), posted="confirm" in request.POST)
        if isinstance(answer, HttpResponse):
            return answer
        messages.success(request, handle(letters, act, answer))
        return None

    # -- one ----------------------------------------------------------------------------------

    def buttons(self, request: HttpRequest, obj: DeadLetter) -> list[Button]:
        """Retry and discard, while it is open."""
        if obj.state != DeadLetterState.OPEN or not self.has_manage_permission(request, obj):
            return []
        return [act.button for act in self.acts if obj.job_id or act is DISCARD]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """One dead letter."""
        letter = self.get_object(request, object_id)
        self.note_the_look(request, letter)
        raw = bytes(letter.raw or b"")
        context = {
            **self.admin_site.each_context(request),
            "title": f"Dead letter: {self.shown_reason(letter).lower()}",
            "subtitle": letter.job_type,
            "opts": self.opts,
            "original": letter,
            "reason": self.shown_reason(letter),
            "actions_detail": [
                one.shown(self.address(letter, one.route)) for one in self.buttons(request, letter)
            ],
            "raw": raw[:RAW_SHOWN].decode("utf-8", "backslashreplace"),
            "raw_bytes": len(raw),
            "sending": Sending.of(request, letter.job),
            "about": thing_of(request, letter.job.entity_type, letter.job.entity_id)
            if letter.job
            else None,
            "became": story.sentence(letter.job, (), clock.now()) if letter.job else "",
            "handler": names_of([letter.handled_by]).get(letter.handled_by, letter.handled_by),
        }
        return TemplateResponse(request, "admin/jobs/deadletter.html", context)

    def retry_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Run its job again."""
        letter = self.get_object(request, object_id)
        return self.act(request, letter, RETRY, _jobs([letter]))

    def discard_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Give it up."""
        letter = self.get_object(request, object_id)
        if letter.job_id is not None:
            return self.act(request, letter, DISCARD, _jobs([letter]))
        return self._dismiss(request, letter)

    def _dismiss(self, request: HttpRequest, letter: DeadLetter) -> HttpResponse:
        self.require(request, self.has_manage_permission(request, letter))
        question = DISCARD.question([], back=self.address(letter), of=1)
        answer = ask(request, self, question)
        if isinstance(answer, HttpResponse):
            return answer
        messages.success(request, handle([letter], DISCARD, answer))
        return self.response_post_save_change(request, letter)


def handle(letters: Sequence[DeadLetter], act: Act, reason: str) -> str:
    """Act on the jobs of dead letters; those that name none can only be discarded."""
    nameless = [letter.pk for letter in letters if letter.job_id is None]
    said = act.run(_jobs(letters), reason)
    if nameless and act is DISCARD:
        said += f" Discarded {deadletters.dismiss(nameless, reason=reason):,} that name no job."
    elif nameless:
        said += f" Left {len(nameless):,} that name no job: there is nothing to run."
    return said


def _jobs(letters: Sequence[DeadLetter]) -> list[uuid.UUID]:
    return [letter.job_id for letter in letters if letter.job_id is not None]
