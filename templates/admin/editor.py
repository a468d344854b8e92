"""The editor's form, and which template a page is about."""

import re
from dataclasses import dataclass
from typing import Any

from django import forms
from django.urls import reverse
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from templates import catalogue
from templates.models import NotificationTemplate, TemplateVersion, VersionState
from tenancy.models import Organization

ALL_LANGUAGES = "all"
LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
ROWS = {"subject": 1, "text": 12, "html": 16, "body": 24}
TITLES = {"subject": "Subject", "text": "Text", "html": "HTML", "body": "JSON body"}
HELP = {
    "html": "May stay empty: the text is then sent as paragraphs.",
    "body": 'A JSON document. Strings are Liquid; {"$value": "mission.id"} is the value itself.',
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """One cell of the matrix and a language: what a page is about.

    locale: empty for every language.
    """

    organization: Organization
    event: catalogue.EventType
    channel: str
    locale: str

    def address(self, page: str = "editor") -> str:
        """The address of its editor, or its page `preview`, `compare`, `restore`, `withdraw`."""
        locale = self.locale or ALL_LANGUAGES
        arguments = [self.organization.pk, self.event.name, self.channel, locale]
        return reverse(f"admin:templates_notificationtemplate_{page}", args=arguments)

    def template(self) -> NotificationTemplate | None:
        """The organization's own, if it has one."""
        return NotificationTemplate.objects.filter(
            organization_id=self.organization.pk,
            event_type=self.event.name,
            channel=self.channel,
            locale=self.locale,
        ).first()

    def versions(self) -> list[TemplateVersion]:
        """All versions, newest first."""
        template = self.template()
        if template is None:
            return []
        rows = TemplateVersion.objects.filter(
            organization_id=self.organization.pk, template=template
        )
        return list(rows.order_by("-number"))

    def sources_of(self, version: TemplateVersion | None) -> catalogue.Sources:
        """A version's sources, or the system default's."""
        return version.sources if version else self.event.default(self.channel)


def published(versions: list[TemplateVersion]) -> TemplateVersion | None:
    """The one that is sent."""
    return next((one for one in versions if one.state == VersionState.PUBLISHED), None)


class EditorForm(forms.Form):
    """The sources of one channel, the version they were edited from, and a note."""

    base = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    note = forms.CharField(
        required=False,
        max_length=300,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="What changed and why, for whoever reads the history.",
    )

    def __init__(
        self, *args: Any, channel: str, cases: list[tuple[str, str]], read_only: bool, **kw: Any
    ) -> None:
        super().__init__(*args, **kw)
        self.parts = catalogue.parts(channel)
        for part in self.parts:
            attrs = {"rows": ROWS[part], "spellcheck": "false", "class": "max-w-none!"}
            attrs["style"] = "font-family: monospace"
            if read_only:
                attrs["readonly"] = "readonly"
            self.fields[part] = forms.CharField(
                required=False,
                strip=False,
                label=TITLES[part],
                help_text=HELP.get(part, ""),
                widget=UnfoldAdminTextareaWidget(attrs=attrs),
            )
        self.fields["case"] = forms.CharField(
            required=False,
            label="Shown with",
            widget=UnfoldAdminSelectWidget(choices=cases),
        )

    def sources(self) -> dict[str, str]:
        """What was typed, with the line ends of a file and not those of a form."""
        return {part: self.cleaned_data[part].replace("\r\n", "\n") for part in self.parts}

    def source_fields(self) -> list[Any]:
        """The fields of the sources, for the page."""
        return [self[part] for part in self.parts]
