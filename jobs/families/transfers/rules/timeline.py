"""One record of a timeline's file becomes a line of COPY, or messages that say why not."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from jobs.families.transfers.files.issues import Issue
from jobs.families.transfers.files.records import Column, Record
from jobs.families.transfers.rules.choices import Choices
from jobs.families.transfers.rules.converting import Careful, Remark, Values, mapped
from jobs.families.transfers.rules.copy_text import NULL
from jobs.families.transfers.rules.fields import TIMELINE, Field
from jobs.families.transfers.rules.findings import Finding
from jobs.families.transfers.rules.typed import Choice, Integer, Moment
from jobs.families.transfers.rules.values import CLEAR, NotPlain, Repeated, Rule

STAGED = (
    *("row", "line", "key", "id", "mission", "kind", "title"),
    *("starts_at", "ends_at", "location", "notes", "clears"),
)
"""The columns of a line of COPY, in order: row and line integer (line NULL but for CSV and JSONL),
key the external id, id bigint, starts_at and ends_at timestamptz as RFC 3339 in UTC, clears integer
(the sum of `CLEARS` of the fields to be emptied), the others text in NFC. NULL: leave the field."""

CLEARS = {"external_id": 1, "ends_at": 2, "location": 4, "notes": 8}

RULES: Mapping[str, type[Rule]] = {
    "text": Rule,
    "prose": Rule,
    "integer": Integer,
    "moment": Moment,
    "choice": Choice,
    "mission": Repeated,
}


class Converter:
    """Converts the records of one file, all with the same columns and choices.

    A record takes the quick way of each rule, and the careful one when any of its cells is not
    plain or two of them may not go together. Both lead to the same line; only the second finds
    words for what is wrong.
    """

    def __init__(self, columns: Sequence[Column], choices: Choices) -> None:
        all_mapped = mapped(columns, choices, _fields(choices), RULES)
        names = [one.field.name for one in all_mapped]
        self._careful = Careful(all_mapped, STAGED)
        self._plan = [(one.column.index, one.rule.way()) for one in all_mapped]
        written = {"row", "line", *("key" if name == "external_id" else name for name in names)}
        fixed = dict.fromkeys(STAGED, NULL) | {"clears": "0"}
        self._line = "\t".join("%s" if one in written else fixed[one] for one in STAGED) + "\n"
        self._ends = _places(names, "starts_at", "ends_at")
        self._keys = _places(names, "external_id", "id")

    def convert(self, record: Record, issues: list[Issue]) -> bytes | None:
        """The record as a line of COPY's text format, or None when it has an error.

        Appends to `issues` all errors and warnings of the record, in the order of its columns,
        those found while reading included. Never raises, whatever the cells hold.
        """
        if record.issues:
            issues.extend(record.issues)
            if record.failed:
                return None
        cells = record.cells
        try:
            found = [way(cells[index]) for index, way in self._plan]
        except (NotPlain, TypeError, IndexError):  # a list is no key; a record may be short
            return self._carefully(record, issues)
        if CLEAR in found or not self._agree(found):
            return self._carefully(record, issues)
        line = NULL if record.line is None else record.line
        return (self._line % (record.row, line, *found)).encode()

    def _agree(self, found: list[str]) -> bool:
        if self._ends is not None and found[self._ends[1]] < found[self._ends[0]]:
            return False  # NULL comes after every digit
        return self._keys is None or not found[self._keys[0]] == found[self._keys[1]] == NULL

    def _carefully(self, record: Record, issues: list[Issue]) -> bytes | None:
        values, remarks = self._careful.values(record)
        remarks += _together(values, remarks)
        issues += self._careful.issues(record, remarks)
        if any(finding.level == "row" for _, finding in remarks):
            return None
        clears = sum(bit for name, bit in CLEARS.items() if values.get(name) is CLEAR)
        values["key"] = values.get("external_id")
        return self._careful.line(record, values, clears)


def _fields(choices: Choices) -> list[Field]:
    """The fields of this file: whichever alone says which entry is meant must be there."""
    only = {name for name in ("external_id", "id") if choices.column_of(name) is not None}
    return [
        replace(one, required=True, clearable=False) if {one.name} == only else one
        for one in TIMELINE
    ]


def _places(names: list[str], one: str, other: str) -> tuple[int, int] | None:
    return (names.index(one), names.index(other)) if {one, other} <= set(names) else None


def _together(values: Values, remarks: Sequence[Remark]) -> list[Remark]:
    """What is wrong with values that are right each by itself."""
    wrong = {name for name, finding in remarks if finding.level == "row"}
    more: list[Remark] = []
    if {"external_id", "id"} <= values.keys() - wrong and not _given(values, "external_id", "id"):
        more.append(("external_id", _NO_KEY))
    moments = _given(values, "starts_at", "ends_at")
    if len(moments) == 2 and moments[1] < moments[0] and not {"starts_at", "ends_at"} & wrong:
        more.append(("ends_at", _BEFORE_START))
    return more


def _given(values: Values, *names: str) -> list[str]:
    """The values of these fields that are there."""
    return [one for name in names if (one := values.get(name)) is not None and one is not CLEAR]


_NO_KEY = Finding(
    "required",
    "Neither an external id nor our id says which entry this row is about. Fill in one of them.",
)
_BEFORE_START = Finding(
    "before_start", "The entry ends before it starts. Correct one of the two, or the time zone."
)
