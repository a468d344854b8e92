"""Whatever the cells hold, a record is converted or told about, and both ways through agree."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.families.transfers.files.issues import Issue
from jobs.families.transfers.files.records import CellError, Record, named
from jobs.families.transfers.rules import roster, timeline
from jobs.families.transfers.rules.choices import Choices

TIMELINE = tuple(one.name for one in timeline.TIMELINE)
ROSTER = tuple(one.name for one in roster.ROSTER)

SPECIAL = st.sampled_from(
    [
        *("", " ", "(clear)", "'", "''", "'=1", "=1", "\\N", "\\", "a\tb", "a\nb", "\0", "\x85"),
        *("e\u0301", "\ufffd", "\u2028", "\ud800", "x" * 301, "task", "Task ", "taks", "E-1"),
        *("2026-01-01T10:00:00Z", "2026-01-01 10:00:00Z", "2026-01-01T10:00Z", "2026-01-01"),
        *("2026-02-30T10:00:00Z", "2026-03-29 02:30", "1.2.2026", "9" * 30, "-1", "7"),
        *(2**70, 1.0, 1e300, True, Decimal("NaN"), Decimal("1E+999999"), ["a"], {"a": 1}, b"x"),
        *(CellError("cell_error", "{}"), date(2026, 1, 1), datetime.fromisoformat("2026-01-01")),
        *(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), date.min, object()),
    ]
)
NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
CELL = SPECIAL | NESTED | st.decimals() | st.datetimes() | st.dates()
CHOICES = st.fixed_dictionaries(
    {
        "format": st.sampled_from([None, "csv", "tsv", "xlsx", "jsonl", "parquet"]),
        "empty_clears": st.booleans(),
        "ambiguous": st.sampled_from([None, "earlier", "later"]),
        "time_zone": st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"]),
        "kinds": st.sampled_from([[], ["Task", "briefing"]]),
    }
)


def rows_of(width):
    return st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=1, max_size=4)


@settings(max_examples=300, deadline=None)
@given(rows=rows_of(len(TIMELINE)), choices=CHOICES, left_out=st.sets(st.sampled_from(TIMELINE)))
def test_both_ways_through_a_record_of_a_timeline_agree(rows, choices, left_out):
    columns = {i: None if name in left_out else name for i, name in enumerate(TIMELINE)}
    decided = Choices.from_json(choices | {"kind": "timeline", "columns": columns})
    converter = timeline.Converter(named(TIMELINE), decided)

    for number, cells in enumerate(rows * 2):
        record, issues, careful = Record(number, None, cells), [], []
        line = converter.convert(record, issues)

        assert line == converter._carefully(record, careful)
        assert issues == careful
        assert_told_or_staged(line, issues, timeline.STAGED)


@settings(max_examples=100, deadline=None)
@given(rows=rows_of(len(ROSTER)), choices=CHOICES)
def test_any_record_of_a_roster_is_converted_or_told_about(rows, choices):
    columns = dict(enumerate(ROSTER))
    decided = Choices.from_json(choices | {"kind": "roster", "columns": columns})
    converter = roster.Converter(named(ROSTER), decided)

    for cells in rows:
        issues: list[Issue] = []
        line = converter.convert(Record(2, 2, cells), issues)
        assert_told_or_staged(line, issues, roster.STAGED)


@pytest.mark.parametrize("cells", [[], ["E-1"], ["E-1"] * 40])
def test_a_record_of_another_width_is_told_about_too(cells):
    choices = Choices(kind="timeline", columns=dict(enumerate(TIMELINE)))
    issues: list[Issue] = []

    assert timeline.Converter(named(TIMELINE), choices).convert(Record(2, 2, cells), issues) is None
    assert issues


def assert_told_or_staged(line, issues, staged):
    failed = any(issue.level == "row" for issue in issues)
    assert (line is None) == failed
    assert [issue.letter for issue in issues] == sorted(issue.letter for issue in issues)
    for issue in issues:
        Issue.from_json(issue.as_json())
    if line is not None:
        assert line.count(b"\t") == len(staged) - 1
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        assert b"\0" not in line
        assert b"\r" not in line
