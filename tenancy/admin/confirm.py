"""A page between a button and what it does: it says what will happen and asks for a reason.

def suspend(self, request, object_id):
    organization = self.get_object(request, object_id)
    answer = ask(request, self, organization, title="Suspend …?", button="Suspend")
    if isinstance(answer, HttpResponse):
        return answer
    with because(answer):
        changes.update(organization, state="suspended")
    return done(request, "Suspended …", self.address(organization))
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminTextInputWidget


class ReasonForm(forms.Form):
    """Why; kept in the audit log."""

    reason = forms.CharField(
        max_length=500,
        widget=UnfoldAdminTextInputWidget(attrs={"autofocus": True, "autocomplete": "off"}),
        help_text="Kept in the audit log, for whoever asks later.",
    )


@dataclass(frozen=True, kw_only=True)
class Question:
    """What the page says.

    title: what is about to be done, as a question. sentences: what follows from it.
    counts: numbers to weigh, by label. button: the verb. hidden: fields to post back, such as ids.
    """

    title: str
    button: str
    sentences: Sequence[str] = ()
    counts: Mapping[str, Any] | None = None
    danger: bool = False
    back: str = ".."
    hidden: Sequence[tuple[str, str]] = ()

    def with_hidden(self, fields: Sequence[tuple[str, str]]) -> "Question":
        """The same question, which posts these fields back with its answer."""
        return replace(self, hidden=fields)


def ask(
    request: HttpRequest, page: "ModelAdmin[Any]", question: Question, *, posted: bool = True
) -> str | HttpResponse:
    """The reason that was given, or the page that asks for it.

    posted: False for a POST that only brought a selection here, and no answer yet.
    """
    answered = request.method == "POST" and posted
    form = ReasonForm(request.POST if answered else None)
    answer = ask_with(request, page, question, form)
    return answer if isinstance(answer, HttpResponse) else str(answer["reason"])


def ask_with(
    request: HttpRequest, page: "ModelAdmin[Any]", question: Question, form: forms.Form
) -> dict[str, Any] | HttpResponse:
    """As `ask`, with a form that asks for something else: what was answered, or the page."""
    if form.is_bound and form.is_valid():
        return form.cleaned_data
    context = {
        **page.admin_site.each_context(request),
        "title": question.title,
        "opts": page.opts,
        "question": question,
        "form": form,
    }
    return TemplateResponse(request, "admin/confirm.html", context)


def done(request: HttpRequest, said: str, address: str) -> HttpResponse:
    """Say what was done, on the page at `address`."""
    messages.success(request, said)
    return HttpResponseRedirect(address)
