"""Which column of a file goes to which field, and what about it only a person can say.

Headers are matched exactly, then without case and punctuation, then by the names that English,
German and French have for a field. What nobody matched waits to be mapped or left out on purpose;
a column without a name needs no word. Whether there is a header at all, the survey asks.
"""

import hashlib
import json
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.families.transfers.files.issues import Issue, Level
from jobs.families.transfers.files.records import Column
from jobs.families.transfers.rules import fields
from jobs.families.transfers.rules.choices import Choices
from jobs.families.transfers.rules.date_formats import Found

NEVER_MAPPED = frozenset({"organizationid"})
"""A row belongs to the organization that imports it, whatever the file says."""


def fold(header: str) -> str:
    """A header without case, blanks and punctuation."""
    folded = unicodedata.normalize("NFKC", header).casefold()
    return "".join(character for character in folded if character.isalnum())


def is_ours(column: Column) -> bool:
    """Whether we wrote this column into a report; such are ignored."""
    return column.name.startswith("_")


def is_mappable(column: Column) -> bool:
    """Whether a column may go to a field at all."""
    return not is_ours(column) and fold(column.name) not in NEVER_MAPPED


def meant(kind: fields.Kind, columns: Sequence[Column]) -> dict[str, list[Column]]:
    """The columns whose header says a field, by field. An exact header goes before a similar one.

    More than one for a field: they are named alike, and a person chooses.
    """
    found: dict[str, list[Column]] = defaultdict(list)
    for column in columns:
        name = _field_of(kind, column.name) if is_mappable(column) else None
        if name is not None:
            found[name].append(column)
    for name, several in found.items():
        alike = [column for column in several if fold(column.name) == fold(name)]
        found[name] = alike or several
    return dict(found)


def propose(kind: fields.Kind, columns: Sequence[Column]) -> dict[int, str]:
    """The fields that the headers leave no doubt about, by the index of the column."""
    return {
        several[0].index: name
        for name, several in meant(kind, columns).items()
        if len(several) == 1
    }


def fingerprint(kind: fields.Kind, columns: Sequence[Column]) -> str:
    """Equal for files whose headers are: a mapping is saved under it and offered next time."""
    named = json.dumps([1, kind, *(fold(column.name) or column.name for column in columns)])
    return hashlib.sha256(named.encode()).hexdigest()


def date_formats(dates: Mapping[int, Found]) -> dict[int, str]:
    """The formats that the values leave no doubt about, by the index of the column."""
    return {index: one.left[0] for index, one in dates.items() if len(one.left) == 1}


def questions(
    columns: Sequence[Column], choices: Choices, dates: Mapping[int, Found]
) -> list[Issue]:
    """What has to be decided before the rows can be read: of the whole file, then by column.

    `dates` holds what the survey found in the values of a column, by its index.
    """
    asked = [*_duplicates(columns, choices), *_undecided(columns, choices)]
    for column in columns:
        name = choices.columns.get(column.index)
        if name is not None and fields.field(choices.kind, name).type == "moment":
            asked += _date_question(column, choices, dates.get(column.index))
    places = {column.letter: column.index for column in columns}
    asked.sort(key=lambda one: places[one.letter or ""])
    return [*_missing(columns, choices), *asked]


def warnings(columns: Sequence[Column]) -> list[Issue]:
    """Which columns are ignored, though nobody decided so."""
    return [
        _about(column, "warn", "not_mappable", _NOT_MAPPABLE)
        for column in columns
        if not is_ours(column) and not is_mappable(column)
    ]


def _field_of(kind: fields.Kind, header: str) -> str | None:
    folded = fold(header)
    names = {fold(one.name): one.name for one in fields.FIELDS[kind]}
    synonyms = {name: one.name for one in fields.FIELDS[kind] for name in one.synonyms}
    return names.get(folded) or synonyms.get(folded)


def _missing(columns: Sequence[Column], choices: Choices) -> list[Issue]:
    mapped = {choices.columns.get(column.index) for column in columns}
    wanted = [one.name for one in fields.FIELDS[choices.kind] if one.required]
    if choices.kind == "timeline" and "id" not in mapped:
        wanted.insert(0, "external_id")
    return [
        Issue(
            level="question",
            code="required_column",
            message=f"No column goes to {name}, which every row needs. Map one to it.",
            field=name,
        )
        for name in wanted
        if name not in mapped
    ]


def _duplicates(columns: Sequence[Column], choices: Choices) -> list[Issue]:
    """Two columns for one field, because somebody mapped them so, or because nobody chose yet."""
    asked = []
    likely = meant(choices.kind, [one for one in columns if one.index not in choices.columns])
    for field in fields.FIELDS[choices.kind]:
        mapped = [one for one in columns if choices.columns.get(one.index) == field.name]
        several = mapped if len(mapped) > 1 else [] if mapped else likely.get(field.name, [])
        if len(several) > 1:
            letters = [column.letter for column in several]
            text = (
                f"Columns {' and '.join(letters)} would both go to {field.name}. Map one of them "
                "and leave out the other."
            )
            asked.append(
                _about(
                    *(several[0], "question", "duplicate_column", text),
                    field=field.name,
                    detail={"letters": letters},
                )
            )
    return asked


def _undecided(columns: Sequence[Column], choices: Choices) -> list[Issue]:
    asked = []
    for column in columns:
        if choices.columns.get(column.index) is not None and not is_mappable(column):
            asked.append(_about(column, "question", "not_mappable", _NOT_MAPPABLE))
        if column.index not in choices.columns and is_mappable(column) and column.name.strip():
            name = _field_of(choices.kind, column.name)
            if name is None or name in choices.columns.values():
                asked.append(_about(column, "question", "column_undecided", _UNDECIDED))
    return asked


def _date_question(column: Column, choices: Choices, found: Found | None) -> list[Issue]:
    if found is None or column.index in choices.date_formats or len(found.left) == 1:
        return []
    if found.conflict is None:
        code, options = "date_format_ambiguous", found.left
        text = (
            f"Every date of this column, as {found.examples[0]}, can be read in "
            f"{len(options)} ways: {', '.join(options)}. Choose the one that is meant."
        )
    else:
        code, options = "date_format_conflict", found.options
        text = (
            f"No one format fits both {found.examples[0]} in row {found.conflict[0]} and "
            f"{found.examples[1]} in row {found.conflict[1]}. Choose the format of the column; the "
            "rows that are written otherwise become errors."
        )
    detail: dict[str, Any] = {"options": list(options), "examples": list(found.examples)}
    if found.conflict is not None:
        detail["rows"] = list(found.conflict)
    field = choices.columns[column.index]
    return [_about(column, "question", code, text, field=field, detail=detail)]


def _about(
    column: Column,
    level: Level,
    code: str,
    message: str,
    *,
    field: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> Issue:
    return Issue(
        level=level,
        code=code,
        message=message,
        column=column.name or "(no name)",
        letter=column.letter,
        field=field,
        detail=detail or {},
    )


_NOT_MAPPABLE = (
    "This column can go to no field and is ignored: rows belong to the organization that imports "
    "them, whatever the file says."
)
_UNDECIDED = "This column goes to no field. Map it to one, or leave it out on purpose."
