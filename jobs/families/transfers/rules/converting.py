"""What the converters of timelines and rosters share: the careful way through one record."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from jobs.families.transfers.files.issues import Issue, shown
from jobs.families.transfers.files.records import Cell, Column, Record
from jobs.families.transfers.rules.choices import Choices
from jobs.families.transfers.rules.copy_text import NULL, escaped
from jobs.families.transfers.rules.fields import Field
from jobs.families.transfers.rules.findings import Finding
from jobs.families.transfers.rules.values import CLEAR, Rule

Values = dict[str, str | None]
Remark = tuple[str, Finding]
"""The field's name, and what is to be said about it."""


class Mapped(NamedTuple):
    """A field, the column that goes to it, and the rule between them."""

    field: Field
    column: Column
    rule: Rule


class Careful:
    """Looks at every cell of a record, however the one before turned out."""

    def __init__(self, mapped: Sequence[Mapped], staged: Sequence[str]) -> None:
        self._mapped = sorted(mapped, key=lambda one: one.column.index)
        self._staged = staged

    def values(self, record: Record) -> tuple[Values, list[Remark]]:
        """The value of every mapped field, and the remarks in file order."""
        values: Values = {}
        remarks: list[Remark] = []
        for field, column, rule in self._mapped:
            found: list[Finding] = []
            values[field.name] = rule.full(_cell(record, column), found)
            remarks += [(field.name, one) for one in found]
        return values, remarks

    def issues(self, record: Record, remarks: Sequence[Remark]) -> list[Issue]:
        """The remarks with the place that each is about, in file order."""
        return [
            Issue(
                level=finding.level,
                code=finding.code,
                message=finding.message,
                row=record.row,
                line=record.line,
                column=column.name,
                letter=column.letter,
                field=field.name,
                value=_shown(_cell(record, column)),
                detail=finding.detail,
            )
            for field, column, _ in self._mapped
            for name, finding in remarks
            if name == field.name
        ]

    def line(self, record: Record, values: Mapping[str, str | None], clears: int) -> bytes:
        """The line of COPY."""
        written = {
            name: NULL if value is None or value is CLEAR else escaped(value)
            for name, value in values.items()
        }
        written["row"] = str(record.row)
        written["line"] = NULL if record.line is None else str(record.line)
        written["clears"] = str(clears)
        return ("\t".join(written.get(name, NULL) for name in self._staged) + "\n").encode()


def mapped(
    columns: Sequence[Column],
    choices: Choices,
    fields: Sequence[Field],
    rules: Mapping[str, type[Rule]],
) -> list[Mapped]:
    """The fields that a column of the file goes to, in the order of `fields`.

    `rules` holds a rule by the name of a field or by its type; a name goes before.
    """
    known = {column.index: column for column in columns}
    return [
        Mapped(field, known[index], (rules.get(field.name) or rules[field.type])(field, choices))
        for field in fields
        if (index := choices.column_of(field.name)) in known
    ]


def _cell(record: Record, column: Column) -> Cell:
    return record.cells[column.index] if column.index < len(record.cells) else None


def _shown(cell: Cell) -> str | None:
    return None if cell is None else shown(getattr(cell, "text", cell))
