"""The forms of exports: whose and what first, then which columns, which rows, which format."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from jobs.families.transfers.exports.formats import FORMATS
from jobs.families.transfers.exports.statement import SOURCES
from jobs.families.transfers.models import ImportKind
from jobs.families.transfers.rules.fields import Kind
from tenancy.models import Mission, Project

COLUMN = "column_"
STATUSES = (
    ("", "Everybody"),
    ("active", "Active"),
    ("inactive", "Inactive"),
    ("invited", "Invited"),
)


class KindForm(forms.Form):
    """What it holds; the organization is added by the page."""

    kind = forms.ChoiceField(label="What it holds", widget=UnfoldAdminSelectWidget())

    def offer(self, kinds: Iterable[str]) -> None:
        """Only what the person may export."""
        field = self.fields["kind"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [one for one in ImportKind.choices if one[0] in kinds]


class ExportForm(forms.Form):
    """Columns, filters and format of one kind; an empty filter narrows nothing."""

    format_name = forms.ChoiceField(
        label="Format",
        choices=[(name, name.upper()) for name in FORMATS],
        widget=UnfoldAdminSelectWidget(),
    )

    def __init__(self, kind: Kind, organization_id: int, data: Any = None) -> None:
        super().__init__(data)
        self.kind, self.organization_id = kind, organization_id
        for name in SOURCES[kind].filters:
            self.fields[name] = _filter(name)
        for one in SOURCES[kind].columns:
            self.fields[COLUMN + one.name] = forms.BooleanField(
                label=one.name, required=False, initial=True, widget=UnfoldBooleanWidget()
            )

    @property
    def columns(self) -> list[forms.BoundField]:
        """The boxes, in the order of the columns."""
        return [self[name] for name in self.fields if name.startswith(COLUMN)]

    @property
    def others(self) -> list[forms.BoundField]:
        """Format and filters."""
        return [self[name] for name in self.fields if not name.startswith(COLUMN)]

    @property
    def asked(self) -> dict[str, Any]:
        """What `request.ask` takes, of a valid form."""
        given, source = self.cleaned_data, SOURCES[self.kind]
        filters = {name: given[name] for name in source.filters if given[name]}
        return {
            "kind": self.kind,
            "format_name": given["format_name"],
            "fields": [one.name for one in source.columns if given[COLUMN + one.name]],
            "filters": {
                name: value.isoformat() if isinstance(value, datetime) else value
                for name, value in filters.items()
            },
        }

    def clean_project_id(self) -> int | None:
        """The project of this code."""
        return self._found(Project, code=self.cleaned_data["project_id"])

    def clean_mission_id(self) -> int | None:
        """The mission of this reference."""
        return self._found(Mission, reference=self.cleaned_data["mission_id"])

    def clean(self) -> dict[str, Any]:
        """A file needs a column."""
        if not any(self.cleaned_data.get(one.name) for one in self.columns):
            raise forms.ValidationError("Choose at least one column.")
        return self.cleaned_data

    def _found(self, model: Any, **named: str) -> int | None:
        [text] = named.values()
        if not text:
            return None
        found = model.objects.filter(organization_id=self.organization_id, **named).first()
        if found is None:
            raise forms.ValidationError(f"There is no {model._meta.verbose_name} {text!r}.")
        return int(found.pk)


def _filter(name: str) -> forms.Field:
    text = UnfoldAdminTextInputWidget
    made: dict[str, forms.Field] = {
        "project_id": forms.CharField(
            label="Of the project", max_length=32, help_text="Its code.", widget=text()
        ),
        "mission_id": forms.CharField(
            label="Of the mission", max_length=64, help_text="Its reference.", widget=text()
        ),
        "kind": forms.CharField(
            label="Of the kind", max_length=32, help_text="As an entry has it.", widget=text()
        ),
        "starts_from": forms.DateTimeField(
            label="Starting from", help_text="2026-03-01 09:00, in UTC.", widget=text()
        ),
        "starts_until": forms.DateTimeField(
            label="Starting before", help_text="2026-04-01 00:00, in UTC.", widget=text()
        ),
        "status": forms.ChoiceField(
            label="Who", choices=STATUSES, widget=UnfoldAdminSelectWidget()
        ),
    }
    field = made[name]
    field.required = False
    return field
