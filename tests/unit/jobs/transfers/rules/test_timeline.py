"""The vectors of a timeline's file that one record decides, each with its exact code and place."""

import pytest

from jobs.families.transfers.files.issues import Issue
from jobs.families.transfers.files.records import Record, named
from jobs.families.transfers.rules.choices import Choices
from jobs.families.transfers.rules.timeline import STAGED, Converter

HEADER = ("external_id", "mission", "kind", "title", "starts_at", "ends_at", "location", "notes")
GOOD = dict(
    zip(
        HEADER,
        ("E-1", "M-1", "task", "Doors", "2026-01-01T09:00:00Z", "", "", ""),
        strict=True,
    )
)


def converter(header=HEADER, **choices) -> Converter:
    decided = {
        "kind": "timeline",
        "format": "csv",
        "time_zone": "Europe/Berlin",
        "columns": dict(enumerate(header)),
    }
    return Converter(named(header), Choices.from_json(decided | choices))


def convert(changed=None, *, header=HEADER, **choices) -> tuple[dict[str, str] | None, list[Issue]]:
    """The staged values of a good record that was changed so, and what is said about it."""
    cells = GOOD | (changed or {})
    issues: list[Issue] = []
    record = Record(2, 3, [cells[name] for name in header])
    line = converter(header, **choices).convert(record, issues)
    if line is None:
        return None, issues
    assert line.endswith(b"\n")
    return dict(zip(STAGED, line.decode()[:-1].split("\t"), strict=True)), issues


def codes(changed, **choices) -> list[tuple[str | None, str]]:
    return [(one.field, one.code) for one in convert(changed, **choices)[1]]


def test_a_good_record_becomes_a_line_of_copy():
    assert convert() == (
        {
            "row": "2",
            "line": "3",
            "key": "E-1",
            "id": r"\N",
            "mission": "M-1",
            "kind": "task",
            "title": "Doors",
            "starts_at": "2026-01-01T09:00:00+00:00",
            "ends_at": r"\N",
            "location": r"\N",
            "notes": r"\N",
            "clears": "0",
        },
        [],
    )


def test_an_error_says_where_it_is_and_what_stands_there():
    staged, [issue] = convert({"kind": "taks"})

    assert staged is None
    assert issue.level == "row"
    assert (issue.row, issue.line, issue.column, issue.letter) == (2, 3, "kind", "C")
    assert (issue.field, issue.code, issue.value) == ("kind", "choice", "taks")
    assert issue.detail["hint"] == "task"


def test_a_title_of_blanks_only_is_missing():
    assert codes({"title": "   "}) == [("title", "required")]


def test_a_kind_is_known_whatever_its_case_and_the_blanks_around_it():
    staged, issues = convert({"kind": "TASK "})

    assert (staged["kind"], issues) == ("task", [])


def test_all_errors_of_a_record_are_told_in_the_order_of_its_columns():
    changed = {"kind": "taks", "starts_at": "2026-02-30T00:00:00Z", "external_id": ""}

    assert codes(changed) == [
        ("external_id", "required"),
        ("kind", "choice"),
        ("starts_at", "datetime"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        *("2026-02-30T00:00:00Z", "2025-02-29", "2026-01-01T24:00:00Z", "2026-01-01T10:00:60Z"),
        *("now", "tomorrow", "infinity", "J2461042", "2026-W01-1", "2026-01-01x10:00"),
        *("２０２６-01-01", "20260101", "2026-01-01T10:00:00,5Z", "2026-01-01T10:00:00+24:00"),
    ],
)
def test_only_a_real_date_in_the_columns_format_is_one(text):
    assert codes({"starts_at": text}) == [("starts_at", "datetime")]


def test_an_entry_must_not_end_before_it_starts():
    assert codes({"ends_at": "2026-01-01T08:59:59Z"}) == [("ends_at", "before_start")]
    assert codes({"ends_at": "2026-01-01T09:00:00Z"}) == []
