"""The forms of imports: a file to upload, and everything that a person decides about it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundField
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from jobs.families.transfers.files.records import Column
from jobs.families.transfers.models import Import, ImportKind
from jobs.families.transfers.rules import fields
from jobs.families.transfers.rules.choices import MODES, Choices, InvalidChoice
from jobs.families.transfers.rules.mapping import is_mappable

UNDECIDED, LEFT_OUT = "", "-"
READ_AS = ("encoding", "delimiter", "sheet", "has_header")
"""What decides which columns there are: a mapping made before it changes means nothing after."""

DELIMITERS = ((",", "Comma ,"), (";", "Semicolon ;"), ("\t", "Tab"), ("|", "Bar |"))
HEADER = (("", "As found"), ("yes", "Yes"), ("no", "No: rows count from 1"))
MODE_LABELS = {
    "update": "Add and change; touch nothing that the file does not have",
    "sync": "Sync: people whom the file does not have are deactivated",
    "replace": "Replace: of the missions that the file names, what it does not have is removed",
}
ACCEPTANCE = (
    ("valid_rows", "Import the good rows, and report the others"),
    ("all_rows", "Import all rows or none"),
)
AMBIGUOUS = (
    ("", "Refuse the row"),
    ("earlier", "Take the earlier one"),
    ("later", "Take the later one"),
)
SAMPLES = 3


class UploadForm(forms.Form):
    """A file and what it holds; the organization is added by the page."""

    kind = forms.ChoiceField(
        label="What it holds", choices=ImportKind.choices, widget=UnfoldAdminSelectWidget()
    )
    file = forms.FileField(
        label="File",
        widget=UnfoldAdminFileFieldWidget(),
        help_text="CSV, TSV, XLSX, JSONL or Parquet. Nothing changes before you approve.",
    )


class RemovalsForm(forms.Form):
    """The number that is typed so that a list of half is no accident."""

    many_removals = forms.IntegerField(
        label="How many are removed", min_value=0, widget=UnfoldAdminTextInputWidget()
    )


@dataclass(frozen=True, kw_only=True)
class MappedColumn:
    """A line of the mapping: a column of the file, a few of its values, and where it goes."""

    column: Column
    samples: list[str]
    field: BoundField | None  # none for a column that can go nowhere
    date_format: BoundField | None


class ChoicesForm(forms.Form):
    """What is asked and what may be decided differently, with what was decided so far."""

    def __init__(self, of: Import, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        self.of, self.survey = of, of.survey or {}
        self.decided = Choices.from_json(of.choices)
        self.columns = [
            Column(index=one["index"], letter=one["letter"], name=one["name"])
            for one in self.survey.get("columns", ())
        ]
        self._add_reading()
        if self.survey.get("complete", True):
            self._add_columns()
            self._add_options()

    @property
    def reading(self) -> list[BoundField]:
        """The fields that say how the bytes become rows."""
        return [self[name] for name in READ_AS if name in self.fields]

    @property
    def options(self) -> list[BoundField]:
        """The fields that say what the rows do."""
        mapped = {*READ_AS, *(f"{what}_{c.index}" for c in self.columns for what in ("to", "date"))}
        return [self[name] for name in self.fields if name not in mapped]

    def mapping(self) -> Iterator[MappedColumn]:
        """The columns, in the order of the file."""
        for column in self.columns:
            index = column.index
            yield MappedColumn(
                column=column,
                samples=self._samples(index),
                field=self[f"to_{index}"] if f"to_{index}" in self.fields else None,
                date_format=self[f"date_{index}"] if f"date_{index}" in self.fields else None,
            )

    def clean(self) -> dict[str, Any]:
        """Raises ValidationError for choices that no file could be imported with."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        try:
            self.choices = Choices.from_json(self._chosen(cleaned)).as_json()
        except InvalidChoice as error:
            if error.name not in self.fields:
                raise ValidationError(str(error)) from error
            self.add_error(error.name, str(error))
        return cleaned

    def _add_reading(self) -> None:
        survey = self.survey
        if proposed := survey.get("encodings_proposed"):
            labels = [(one["encoding"], _with_sample(one)) for one in proposed]
            self._choose("encoding", "Encoding", labels, widget=UnfoldAdminRadioSelectWidget)
        if survey.get("format") in ("csv", "tsv"):
            self._choose("delimiter", "Columns are divided by", DELIMITERS)
        if sheets := survey.get("sheets"):
            labels = [(one["name"], _sheet(one)) for one in sheets if one["filled"]]
            self._choose("sheet", "Sheet", labels)
        if survey.get("format") in ("csv", "tsv", "xlsx"):
            self._choose("has_header", "Row 1 names the columns", HEADER)
            asked = {None: "", True: "yes", False: "no"}
            self.fields["has_header"].initial = asked[self.decided.has_header]

    def _add_columns(self) -> None:
        names = [(one.name, _field_label(one)) for one in fields.FIELDS[self.decided.kind]]
        choices = [(UNDECIDED, "Choose …"), *names, (LEFT_OUT, "Left out")]
        for column in self.columns:
            if not is_mappable(column):
                continue
            title = f"Field for column {column.letter}"
            self._choose(f"to_{column.index}", title, choices)
            if column.index in self.decided.columns:
                to = self.decided.columns[column.index] or LEFT_OUT
                self.fields[f"to_{column.index}"].initial = to
            found = self.survey.get("date_formats", {}).get(str(column.index))
            if found and len(found["options"]) > 1:
                options = [("", "Choose …"), *((one, one) for one in found["options"])]
                self._choose(
                    f"date_{column.index}", f"Date format of column {column.letter}", options
                )
                chosen = self.decided.date_formats.get(column.index, "")
                self.fields[f"date_{column.index}"].initial = chosen

    def _add_options(self) -> None:
        kind = self.decided.kind
        self.fields["time_zone"] = forms.CharField(
            label="Time zone",
            widget=UnfoldAdminTextInputWidget(),
            initial=self.decided.time_zone,
            help_text="Of times without an offset, as Europe/Berlin.",
        )
        self._choose("ambiguous", "An hour that occurs twice when clocks go back", AMBIGUOUS)
        self.fields["empty_clears"] = forms.BooleanField(
            label="An empty cell empties its field",
            required=False,
            initial=self.decided.empty_clears,
            help_text="Otherwise it leaves the field as it is.",
        )
        if kind == "timeline":
            self.fields["notify_assignees"] = forms.BooleanField(
                label="Tell those who are assigned to the missions that it is through",
                required=False,
                initial=self.decided.notify_assignees,
            )
        self._choose("mode", "Mode", [(one, MODE_LABELS[one]) for one in MODES[kind]])
        self._choose("acceptance", "When rows have errors", ACCEPTANCE)
        for one in fields.FIELDS[kind]:
            if self.decided.allowed(one.name):
                self._add_value_map(one.name)

    def _add_value_map(self, name: str) -> None:
        known = self.decided.value_maps.get(name, {})
        self.fields[f"values_{name}"] = forms.CharField(
            label=f"Words for {name}",
            required=False,
            widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
            initial="\n".join(f"{text} = {choice}" for text, choice in known.items()),
            help_text="One a line, as “Aufgabe = task”. Known: "
            f"{', '.join(self.decided.allowed(name))}.",
        )

    def _choose(
        self, name: str, label: str, choices: Any, *, widget: Any = UnfoldAdminSelectWidget
    ) -> None:
        known = [value for value, _ in choices]
        initial = getattr(self.decided, name, None) or self.survey.get(name)
        self.fields[name] = forms.ChoiceField(
            label=label,
            choices=choices,
            required="" not in known,
            widget=widget(),
            initial=initial if initial in known else None,
        )

    def _samples(self, index: int) -> list[str]:
        cells = (row[index] for row in self.survey.get("sample", ()) if index < len(row))
        return list(dict.fromkeys(str(one) for one in cells if one))[:SAMPLES]

    def _chosen(self, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        plain = {
            name: cleaned[name] or None
            for name in ("encoding", "delimiter", "sheet", "ambiguous")
            if name in cleaned
        }
        plain |= {
            name: cleaned[name]
            for name in ("time_zone", "empty_clears", "notify_assignees", "mode", "acceptance")
            if name in cleaned
        }
        if "has_header" in cleaned:
            plain["has_header"] = {"": None, "yes": True, "no": False}[cleaned["has_header"]]
        before = self.decided.as_json()
        if any(before[name] not in (None, plain[name]) for name in READ_AS if name in plain):
            return before | plain | {"columns": {}, "date_formats": {}}
        to = {c.index: cleaned.get(f"to_{c.index}", UNDECIDED) for c in self.columns}
        plain["columns"] = {
            str(index): None if one == LEFT_OUT else one
            for index, one in to.items()
            if one != UNDECIDED
        }
        dates = {c.index: cleaned.get(f"date_{c.index}", "") for c in self.columns}
        chosen = {str(index): one for index, one in dates.items() if one}
        plain["date_formats"] = before["date_formats"] | chosen
        plain["value_maps"] = {
            name.removeprefix("values_"): _value_map(text)
            for name, text in cleaned.items()
            if name.startswith("values_")
        }
        return before | plain


def _value_map(text: str) -> dict[str, str]:
    lines = [line.partition("=") for line in text.splitlines() if line.strip()]
    return {word.strip(): choice.strip() for word, _, choice in lines}


def _with_sample(proposed: Mapping[str, Any]) -> str:
    cells = " · ".join(str(cell) for cell in proposed["sample"][:SAMPLES])
    return f"{proposed['encoding']}: {cells}" if cells else str(proposed["encoding"])


def _sheet(one: Mapping[str, Any]) -> str:
    return f"{one['name']} (hidden)" if one["hidden"] else str(one["name"])


def _field_label(one: fields.Field) -> str:
    return f"{one.name} (required)" if one.required else one.name
