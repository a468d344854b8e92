"""Reading JSONL: one object on each line."""

import json
from pathlib import Path
from typing import Any

import pytest

from jobs.families.transfers.files.limits import Limits
from tests.factories.upload_files import File, places

GOOD = json.dumps({"external_id": "E-1", "title": "x"})


def lines(*texts: str) -> bytes:
    return "\n".join((*texts, "")).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize(
    ("text", "code", "position"),
    [
        ("{", "json", 2),
        ('{"a": tru}', "json", 7),
        ("[1]", "not_object", None),
        ('"x"', "not_object", None),
        ('{"title": "a", "title": "b"}', "duplicate_key_in_object", None),
        ('{"title": {"x": 1, "x": 2}}', "duplicate_key_in_object", None),
        ('{"title": NaN}', "json", None),
        ('{"title": -Infinity}', "json", None),
        ('{"title": ' + "9" * 5_000 + "}", "json", None),
        ('{"title": ' + "[" * 10_000 + "]" * 10_000 + "}", "json_depth", None),
        ('{"title": ' + "[" * 10_000, "json_depth", None),
    ],
)
def test_a_bad_line_fails_alone(tmp_path: Path, text: str, code: str, position: int | None) -> None:
    file = File(tmp_path, lines(GOOD, text, GOOD))

    before, bad, after = file.records()

    assert places([*bad.issues]) == [("row", 2, 2, code)]
    assert bad.issues[0].detail.get("position") == position
    assert bad.raw == text
    assert (before.row, after.row, after.cells) == (1, 3, ["E-1", "x"])


def test_values_keep_their_types(tmp_path: Path) -> None:
    found = {"a": "", "b": None, "c": 2**70, "d": {"x": [1]}, "e": True, "f": 1.5}

    (record,) = File(tmp_path, lines(json.dumps(found))).records()

    assert record.cells == list(found.values())


def test_a_key_that_comes_late_is_a_column_and_absent_before(tmp_path: Path) -> None:
    file = File(tmp_path, lines('{"a": 1}', '{"b": 2, "a": 3}', '{"c": ""}'))

    survey = file.survey()
    records = file.records()

    assert [column["name"] for column in survey["columns"]] == ["a", "b", "c"]
    assert [record.cells for record in records] == [[1, None, None], [3, 2, None], [None, None, ""]]


def test_blank_lines_are_counted_in_rows(tmp_path: Path) -> None:
    file = File(tmp_path, lines(GOOD, "", "  ", GOOD))

    assert [record.row for record in file.records()] == [1, 4]
    survey = file.survey(name="x.jsonl")
    assert (survey["format"], survey["rows"], survey["blank"]) == ("jsonl", 2, 2)


def test_a_brace_inside_a_string_is_not_depth(tmp_path: Path) -> None:
    (record,) = File(tmp_path, lines(json.dumps({"a": '[{"\\' * 1_000}))).records()

    assert record.issues == ()


def test_a_cell_that_is_too_long_is_named(tmp_path: Path) -> None:
    (issue,) = File(tmp_path, lines(json.dumps({"a": "x" * 70_000}))).issues()

    assert places([issue]) == [("row", 1, 1, "cell_too_long")]
    assert issue.column == "a"


@pytest.mark.parametrize(
    ("content", "code", "row"),
    [
        (b"{" + b"x" * 2_000_000, "record_too_long", 1),
        (lines(GOOD, json.dumps({f"k{n}": 1 for n in range(201)})), "too_many_columns", 2),
        (lines(GOOD, json.dumps({"k" * 1_001: 1})), "header_too_long", 2),
        (lines(GOOD, r'{"a\u0000": 1}'), "header_character", 2),
        (lines(GOOD, r'{"a\ud800": 1}'), "header_character", 2),
    ],
)
def test_what_is_over_a_limit_refuses_the_file(
    tmp_path: Path, content: bytes, code: str, row: int
) -> None:
    issue = File(tmp_path, content).refusal()

    assert places([issue]) == [("file", row, row, code)]


def test_more_objects_than_the_limit_refuse_the_file(tmp_path: Path) -> None:
    issue = File(tmp_path, lines(GOOD, GOOD, GOOD)).refusal(limits=Limits(rows=2))

    assert places([issue]) == [("file", 3, 3, "too_many_rows")]


def test_bytes_that_are_not_utf8_are_asked_about(tmp_path: Path) -> None:
    content = lines(GOOD, GOOD.replace("x", "schön")).replace("ö".encode(), b"\xf6")
    content = content.replace(rb"\u00f6", b"\xf6")
    file = File(tmp_path, content)

    issue = file.question("encoding_unknown")

    assert places([issue]) == [("question", 2, 2, "encoding_unknown")]
    assert file.survey(encoding="cp1252")["rows"] == 2


def test_columns_of_the_survey_save_a_pass(tmp_path: Path) -> None:
    from jobs.families.transfers.files.reader import open_reader
    from jobs.families.transfers.rules.choices import Choices

    file = File(tmp_path, lines('{"a": 1}', '{"b": 2}'))
    columns: list[Any] = ["a"]

    with open_reader(file.path, Choices(kind="timeline"), Limits(), columns=columns) as reader:
        first, second = list(reader)

    assert first.cells == [1]
    assert [issue.code for issue in second.issues] == ["unknown_key"]
