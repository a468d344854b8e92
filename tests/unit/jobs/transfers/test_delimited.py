"""Reading CSV: rows as a spreadsheet counts them, lines as an editor does."""

from pathlib import Path

import pytest

from jobs.families.transfers.files.limits import Limits
from tests.factories.upload_files import HEADER, File, good, places, timeline


def test_text_after_a_closing_quote_fails_the_record_and_the_next_is_read(tmp_path: Path) -> None:
    file = File(tmp_path, timeline('"x"y,,', good(2)))

    bad, fine = file.records()

    assert places([*bad.issues]) == [("row", 2, 2, "quote_malformed")]
    assert bad.issues[0].column is None
    assert bad.raw == '"x"y,,'
    assert (fine.row, fine.line, fine.cells[0], fine.issues) == (3, 3, "E-2", ())


def test_a_backslash_before_a_quote_gets_a_hint(tmp_path: Path) -> None:
    (issue,) = File(tmp_path, timeline(r'"x\"y",,', good(2))).issues()

    assert places([issue]) == [("row", 2, 2, "quote_malformed")]
    assert issue.detail == {"hint": "double_the_quote"}


def test_a_quote_inside_an_unquoted_cell_is_literal(tmp_path: Path) -> None:
    (record,) = File(tmp_path, timeline(good(1, title='5" pipe'))).records()

    assert record.cells[3] == '5" pipe'
    assert record.issues == ()


@pytest.mark.parametrize("notes", ["", "n"])
def test_a_space_before_a_quote_is_named_where_it_splits_a_cell(tmp_path: Path, notes: str) -> None:
    (issue,) = File(tmp_path, timeline(good(1, title=' "a, b"', notes=notes))).issues()

    assert places([issue]) == [("row", 2, 2, "cell_count")]
    assert issue.detail == {"found": 9, "expected": 8, "hint": "space_before_quote"}


def test_short_records_after_cells_of_several_lines_have_true_rows_and_lines(
    tmp_path: Path,
) -> None:
    two_lines = good(1, notes='"a\nb"')
    file = File(tmp_path, timeline(two_lines.replace("a\nb", "a\r\nb\nc"), "E,M", two_lines, "E"))

    found = file.issues()

    assert places(found) == [("row", 3, 5, "cell_count"), ("row", 5, 8, "cell_count")]
    assert [issue.detail for issue in found] == [
        {"found": 2, "expected": 8},
        {"found": 1, "expected": 8},
    ]


def test_surplus_cells_are_shown(tmp_path: Path) -> None:
    (issue,) = File(tmp_path, timeline(good(1), good(2), good(3) + ",more")).issues()

    assert places([issue]) == [("row", 4, 4, "cell_count")]
    assert issue.value == "more"
    assert issue.detail == {"found": 9, "expected": 8}


def test_surplus_cells_that_are_empty_are_left_out_with_a_warning(tmp_path: Path) -> None:
    (record,) = File(tmp_path, timeline(good(1) + ",,")).records()

    assert places([*record.issues]) == [("warn", 2, 2, "extra_empty_cells")]
    assert len(record.cells) == 8


def test_blank_lines_count_in_rows_and_in_no_total(tmp_path: Path) -> None:
    file = File(tmp_path, timeline("", good(1), "", "  ", ",,,,,,,", good(2)))

    assert [(record.row, record.line) for record in file.records()] == [(3, 3), (7, 7)]
    survey = file.survey()
    assert (survey["rows"], survey["blank"]) == (2, 4)


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_a_line_may_end_any_way(tmp_path: Path, end: str) -> None:
    content = timeline(good(1, notes='"a\nb"'), good(2), end=end).removesuffix(end.encode())

    records = File(tmp_path, content).records()

    assert [(record.row, record.line) for record in records] == [(2, 2), (3, 4)]


def test_ends_of_lines_may_be_mixed(tmp_path: Path) -> None:
    content = f"{HEADER}\r{good(1)}\r\n{good(2)}\n{good(3)}\r\r\n{good(4)}".encode()

    records = File(tmp_path, content).records()

    assert [(record.row, record.line) for record in records] == [(2, 2), (3, 3), (4, 4), (6, 6)]
    assert not any(record.issues for record in records)


def test_a_lone_cr_ends_a_record_unless_it_is_quoted(tmp_path: Path) -> None:
    split = File(tmp_path, timeline("E-1,M-1\rtask,x", good(2)))
    quoted = File(tmp_path, timeline(good(1, title='"a\rb"'), good(2)), "quoted")

    assert places(split.issues()) == [("row", 2, 2, "cell_count"), ("row", 3, 3, "cell_count")]
    assert quoted.issues() == []
    assert [record.line for record in quoted.records()] == [2, 4]


def test_unicode_line_separators_do_not_end_a_record(tmp_path: Path) -> None:
    records = File(tmp_path, timeline(good(1, title="a\u2028b\u0085c"), good(2))).records()

    assert [(record.row, record.line) for record in records] == [(2, 2), (3, 3)]
    assert records[0].cells[3] == "a\u2028b\u0085c"


def test_a_nul_stays_in_its_cell(tmp_path: Path) -> None:
    (record,) = File(tmp_path, timeline(good(1, notes="a\0b"))).records()

    assert record.cells[7] == "a\0b"


def test_a_cell_may_have_65536_characters_and_no_more(tmp_path: Path) -> None:
    limit = Limits().cell_characters
    file = File(
        tmp_path,
        timeline(
            good(1, title="x" * limit),
            good(2, title="x" * (limit + 1), notes='"' + "y\n" * limit + '"'),
            good(3),
        ),
    )

    fits, bad, after = file.records()

    assert fits.issues == ()
    assert places([*bad.issues]) == [("row", 3, 3, "cell_too_long")] * 2
    assert [(issue.column, issue.letter) for issue in bad.issues] == [
        ("title", "D"),
        ("notes", "H"),
    ]
    assert bad.issues[0].detail == {"limit": limit, "found": limit + 1}
    assert bad.issues[0].value == "x" * 100
    assert (after.row, after.line, after.cells[0]) == (4, 4 + limit, "E-3")


@pytest.mark.parametrize("over", [0, 1])
def test_a_record_may_have_as_many_characters_as_the_limit_says(tmp_path: Path, over: int) -> None:
    limits = Limits(record_characters=300_000)
    cells = ",".join(["x" * 30_000] * 7)
    record = f"{cells},{'x' * (300_000 - len(cells) - 1 + over)}"
    file = File(tmp_path, timeline(*[good(n) for n in range(1_000)], record, good(2)))
    limits = Limits(record_characters=300_000, cell_characters=300_000)

    if not over:
        assert len(file.records(limits=limits)) == 1_002
    else:
        issue = file.refusal(limits=limits)
        assert places([issue]) == [("file", 1_002, 1_002, "record_too_long")]
        assert issue.detail["limit"] == 300_000


def test_a_line_without_an_end_is_not_held_in_memory(tmp_path: Path) -> None:
    file = File(tmp_path, HEADER.encode() + b"\n" + b"x," * 4_000_000)

    issue = file.refusal()

    assert places([issue]) == [("file", 2, 2, "record_too_long")]
    assert issue.detail["found"] < 2 * 1024 * 1024
