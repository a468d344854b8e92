"""Cells of JSONL, XLSX and Parquet, which say themselves what they are."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from jobs.families.transfers.files.issues import Issue
from jobs.families.transfers.files.records import CellError, Record, named
from jobs.families.transfers.rules.choices import Choices
from jobs.families.transfers.rules.timeline import STAGED, Converter

GOOD = {
    "id": None,
    "external_id": "E-1",
    "mission": "M-1",
    "kind": "task",
    "title": "Doors",
    "starts_at": datetime(2026, 1, 1, tzinfo=UTC),
}


local = datetime.fromisoformat
"""What a workbook gives: a date and a time of no zone."""


def convert(field, cell, format_="xlsx") -> tuple[str | None, list[tuple[str | None, str]]]:
    """What is staged for a field with this cell, and what is said."""
    decided = {"format": format_, "time_zone": "Europe/Berlin", "columns": dict(enumerate(GOOD))}
    converter = Converter(named(list(GOOD)), Choices.from_json(decided | {"kind": "timeline"}))
    issues: list[Issue] = []
    line = converter.convert(Record(2, None, list((GOOD | {field: cell}).values())), issues)
    said = [(one.field, one.code) for one in issues]
    if line is None:
        return None, said
    staged = dict(zip(STAGED, line.decode()[:-1].split("\t"), strict=True))
    assert staged["line"] == r"\N"
    return staged["key" if field == "external_id" else field], said


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (1.0, "1"),
        (123, "123"),
        (-5, "-5"),
        (1.5, "1.5"),
        (0.1 + 0.2, "0.3"),
        (999_999_999_999_999.0, "999999999999999"),
        (2**70, str(2**70)),
        (Decimal("12.500"), "12.5"),
        (Decimal("1E+3"), "1000"),
    ],
)
def test_a_number_in_a_text_field_is_its_digits(cell, text):
    assert convert("external_id", cell) == (text, [])


@pytest.mark.parametrize(
    "cell", [1.2345678901234567e19, 1e15, 1e-9, Decimal("1E+999999999"), 10**400]
)
def test_a_number_whose_digits_were_lost_is_no_id(cell):
    assert convert("external_id", cell) == (None, [("external_id", "number_precision")])


@pytest.mark.parametrize(
    "cell",
    [True, float("nan"), float("inf"), {"a": 1}, ["a"], date(2026, 1, 2), b"bytes", timedelta(1)],
)
def test_what_is_no_text_is_told_by_its_type(cell):
    assert convert("title", cell) == (None, [("title", "type")])


@pytest.mark.parametrize("field", ["mission", "kind", "title"])
def test_a_nested_value_is_never_text(field):
    assert convert(field, ["a"], "jsonl") == (None, [(field, "type")])
    assert convert(field, {"a": "b"}, "jsonl") == (None, [(field, "type")])


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (7, ("7", [])),
        ("7", ("7", [])),
        (7.0, ("7", [])),
        (2**63 - 1, (str(2**63 - 1), [])),
        (2**70, (None, [("id", "integer_range")])),
        (2**63, (None, [("id", "integer_range")])),
        (7.5, (None, [("id", "integer")])),
        (True, (None, [("id", "type")])),
        ([7], (None, [("id", "type")])),
    ],
)
def test_our_id_may_be_a_number(cell, expected):
    assert convert("id", cell, "jsonl") == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (local("2026-07-01T12:00"), "2026-07-01T10:00:00+00:00"),
        (
            datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=-3))),
            "2026-07-01T15:00:00+00:00",
        ),
        (date(2026, 7, 1), "2026-06-30T22:00:00+00:00"),
        (datetime(2026, 1, 1, 0, 0, 0, 500, UTC), "2026-01-01T00:00:00.000500+00:00"),
        ("2026-07-01 12:00", "2026-07-01T10:00:00+00:00"),
    ],
)
def test_a_date_without_a_zone_is_of_the_zone_that_was_chosen(cell, expected):
    assert convert("starts_at", cell, "parquet") == (expected, [])


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        (local("1899-12-31"), "datetime_range"),
        (date(2201, 1, 1), "datetime_range"),
        (local("2026-03-29T02:30"), "local_time_missing"),
        (local("2026-10-25T02:30"), "local_time_ambiguous"),
        (60, "datetime"),
        (-1.0, "datetime"),
        (True, "datetime"),
        ([2026, 1, 1], "datetime"),
        ("01.02.2026", "datetime"),
        (CellError("datetime", "60"), "datetime"),
    ],
)
def test_what_is_no_moment_is_told(cell, code):
    assert convert("starts_at", cell) == (None, [("starts_at", code)])


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        (CellError("cell_error", "#REF!"), "cell_error"),
        (CellError("formula_uncached", "=A1"), "formula_uncached"),
        (CellError("number_precision", "1.2e19"), "number_precision"),
    ],
)
@pytest.mark.parametrize("field", list(GOOD))
def test_a_cell_with_an_error_is_never_read_as_empty(field, cell, code):
    assert convert(field, cell) == (None, [(field, code)])
