"""How an issue is written down."""

import json

from jobs.families.transfers.files.issues import Issue, shown
from jobs.families.transfers.files.records import Record, letter


def test_an_issue_survives_the_way_through_json() -> None:
    issue = Issue(
        level="row", code="choice", message="no", row=2, line=2, column="kind", letter="C",
        field="kind", value="taks", detail={"hint": "task"},
    )  # fmt: skip

    assert Issue.from_json(json.loads(json.dumps(issue.as_json()))) == issue


def test_what_is_not_known_is_left_out() -> None:
    issue = Issue(level="file", code="empty_file", message="empty")

    assert issue.as_json() == {"level": "file", "code": "empty_file", "message": "empty"}


def test_a_value_is_cut_and_what_does_not_show_is_written_out() -> None:
    assert shown("ö" * 150) == "ö" * 100
    assert shown("a\x00b\u202ec\n") == r"a\x00b\u202ec\n"
    assert shown(5) == "5"


def test_letters_are_those_of_a_spreadsheet() -> None:
    assert [letter(index) for index in (0, 25, 26, 701, 702, 16383)] == [
        "A", "Z", "AA", "ZZ", "AAA", "XFD",
    ]  # fmt: skip


def test_only_an_issue_of_a_row_fails_a_record() -> None:
    warning = Issue(level="warn", code="extra_empty_cells", message="")
    error = Issue(level="row", code="cell_count", message="")

    assert not Record(2, 2, [], [warning]).failed
    assert Record(2, 2, [], [warning, error]).failed


def test_a_long_header_is_named_by_its_beginning():
    issue = Issue(level="row", code="required", message="Empty.", row=2, column="x" * 1_000)

    assert issue.column == "x" * 100
