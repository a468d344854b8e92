"""The check: the file is read once, and what only a person can know becomes a question.

What the headers and the values leave no doubt about is decided here, and how a file with this
header was mapped last; a person's own decisions stand before both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db import connection

from jobs.execution.job import Run
from jobs.families.transfers.files.records import Column
from jobs.families.transfers.imports import reading, transitions
from jobs.families.transfers.imports.progress import Meter
from jobs.families.transfers.imports.work import ImportWork
from jobs.families.transfers.models import Import, SavedMapping
from jobs.families.transfers.rules import mapping
from jobs.families.transfers.rules.choices import Choices
from jobs.families.transfers.rules.date_formats import Found
from tenancy import clock

FOUND = ("format", "encoding", "delimiter", "sheet")
"""What the survey finds out and a person may choose instead."""

_KINDS = """
    SELECT DISTINCT kind FROM tenancy_timelineentry WHERE organization_id = %s LIMIT 100
"""


def check(run: Run[ImportWork], of: Import) -> None:
    """Read the file once and ask, or go on. Raises what `reading` does, and Superseded."""
    survey = _survey(run, of)
    choices = Choices.from_json(of.choices)
    questions = survey["questions"]
    if survey["complete"]:
        choices, asked = _decided(run, of, survey, choices)
        questions = questions + asked
    survey = survey | {"questions": questions}
    with run.settling():
        of = transitions.locked(of.organization_id, of.pk)
        if questions:
            transitions.ask(of, survey, choices.as_json())
            return
        transitions.map_(of, survey, choices.as_json())
        if of.choices_version > 1:
            _save(of, survey, choices)


def _survey(run: Run[ImportWork], of: Import) -> dict[str, Any]:
    meter = Meter(run, of, "check")
    spec = {"choices": of.choices, "name": of.file_name}
    with reading.local(of) as path, reading.frames(run, path, "survey", spec) as frames:
        for frame in frames:
            if frame.kind == "survey":
                return dict(frame.head)
            meter.tell(rows=frame.head.get("rows", 0), file_bytes=frame.head.get("bytes"))
    raise RuntimeError("The child ended without a survey, a refusal or a failure.")


def _decided(
    run: Run[ImportWork], of: Import, survey: dict[str, Any], choices: Choices
) -> tuple[Choices, list[dict[str, Any]]]:
    """The choices with all that leaves no doubt, and the questions that are left."""
    columns = _columns(survey)
    dates = {int(index): Found.from_json(one) for index, one in survey["date_formats"].items()}
    with run.transaction():
        saved = _saved(of, columns)
        kinds = _kinds(of)
    found: Any = {name: survey.get(name) for name in FOUND if getattr(choices, name) is None}
    choices = replace(choices, **found, kinds=kinds)
    if saved and not choices.columns:
        as_last = {int(index): name for index, name in saved.choices.items()}
        choices = replace(choices, columns=as_last, value_maps=_values(choices, saved))
    choices = replace(choices, columns=_mapped(columns, choices))
    formats = mapping.date_formats(dates) | dict(choices.date_formats)
    choices = replace(choices, date_formats=formats)
    asked = [issue.as_json() for issue in mapping.questions(columns, choices, dates)]
    survey["warnings"] += [issue.as_json() for issue in mapping.warnings(columns)]
    return choices, asked


def _columns(survey: dict[str, Any]) -> list[Column]:
    """Those that can go to a field; a nested one of a Parquet file cannot."""
    return [
        Column(index=one["index"], letter=one["letter"], name=one["name"])
        for one in survey["columns"]
        if one.get("mappable", True)
    ]


def _mapped(columns: Sequence[Column], choices: Choices) -> dict[int, str | None]:
    """By the person or as last time, and what is left by the headers; no field twice by itself."""
    mapped = dict(choices.columns)
    for index, name in mapping.propose(choices.kind, columns).items():
        if index not in mapped and name not in mapped.values():
            mapped[index] = name
    return mapped


def _kinds(of: Import) -> tuple[str, ...]:
    with connection.cursor() as cursor:
        cursor.execute(_KINDS, [of.organization_id])
        return tuple(sorted(row[0] for row in cursor.fetchall()))


def _values(choices: Choices, saved: SavedMapping) -> dict[str, Mapping[str, str]]:
    """What words stood for last time, below what is said now, as far as the choices still exist."""
    values: dict[str, Mapping[str, str]] = dict(choices.value_maps)
    for name, words in saved.value_maps.items():
        allowed = choices.allowed(name)
        known = {word: choice for word, choice in words.items() if choice in allowed}
        values[name] = known | dict(values.get(name, {}))
    return values


def _saved(of: Import, columns: Sequence[Column]) -> SavedMapping | None:
    """How a file with this header was mapped last; files without one have nothing in common."""
    if not any(column.name for column in columns):
        return None
    fingerprint = mapping.fingerprint(_kind(of), columns)
    mine = SavedMapping.objects.filter(organization_id=of.organization_id, kind=of.kind)
    return mine.filter(fingerprint=fingerprint).first()


def _save(of: Import, survey: dict[str, Any], choices: Choices) -> None:
    columns = _columns(survey)
    SavedMapping.objects.update_or_create(
        organization_id=of.organization_id,
        kind=of.kind,
        fingerprint=mapping.fingerprint(_kind(of), columns),
        defaults={
            "choices": choices.as_json()["columns"],
            "value_maps": choices.as_json()["value_maps"],
            "actor_id": of.actor_id,
            "saved_at": clock.now(),
        },
    )


def _kind(of: Import) -> Any:
    return of.kind
