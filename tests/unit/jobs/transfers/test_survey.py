"""What a survey says about a file, and what it asks."""

from pathlib import Path

import pytest

from jobs.families.transfers.files.limits import Limits
from tests.factories.upload_files import HEADER, NAMES, File, good, places, timeline


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\n\r\n\r\n", b" \n,,\n"])
def test_a_file_without_anything_in_it_is_refused(tmp_path: Path, content: bytes) -> None:
    issue = File(tmp_path, content).refusal()

    assert (issue.level, issue.code) == ("file", "empty_file")


@pytest.mark.parametrize("blank", [(), ("", ",,,,,,,")])
def test_a_header_alone_is_refused(tmp_path: Path, blank: tuple[str, ...]) -> None:
    issue = File(tmp_path, timeline(*blank)).refusal()

    assert (issue.level, issue.code) == ("file", "no_rows")


def test_a_clean_file_leaves_no_question(tmp_path: Path) -> None:
    survey = File(tmp_path, timeline(good(1), good(2))).survey(name="x.csv")

    assert [survey[name] for name in ("format", "encoding", "delimiter", "header", "complete")] == [
        "csv", "utf-8", ",", True, True,
    ]  # fmt: skip
    assert (survey["rows"], survey["blank"], survey["unreadable"]) == (2, 0, 0)
    assert (survey["questions"], survey["warnings"]) == ([], [])
    assert [column["name"] for column in survey["columns"]] == NAMES
    assert survey["sample"][1][0] == "E-2"
    assert survey["date_formats"]["4"]["left"] == ["YYYY-MM-DD"]


@pytest.mark.parametrize("other", ["title", "Title", "title "])
def test_headers_that_look_alike_are_named(tmp_path: Path, other: str) -> None:
    header = HEADER.replace("ends_at", other)

    (warning,) = File(tmp_path, timeline(good(1), header=header)).survey()["warnings"]

    assert warning["code"] == "duplicate_column"
    assert warning["detail"]["letters"] == ["D", "F"]


def test_a_column_without_a_header_is_named_when_it_has_values(tmp_path: Path) -> None:
    header = HEADER.replace("kind", " ").replace("location", "")

    survey = File(tmp_path, timeline(good(1), good(2), header=header)).survey()

    assert [(w["code"], w["letter"], w["level"]) for w in survey["warnings"]] == [
        ("empty_header", "C", "warn")
    ]
    assert survey["columns"][2]["name"] == ""


def test_a_first_record_that_looks_like_data_is_asked_about(tmp_path: Path) -> None:
    file = File(tmp_path, timeline(good(2), header=good(1)))

    issue = file.question("header_missing")

    assert places([issue]) == [("question", 1, 1, "header_missing")]
    without = file.survey(has_header=False)
    assert (without["rows"], without["questions"]) == (2, [])
    assert [record.row for record in file.records(has_header=False)] == [1, 2]
    assert file.survey(has_header=True)["rows"] == 1


@pytest.mark.parametrize(("delimiter", "format_"), [(";", "csv"), ("|", "csv"), ("\t", "tsv")])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str, format_: str) -> None:
    content = timeline(good(1, title="1_5")).replace(b",", delimiter.encode()).replace(b"_", b",")
    content = content.replace(b"external,id", b"external_id")

    survey = File(tmp_path, content).survey(name="list.txt")

    assert (survey["delimiter"], survey["format"], survey["questions"]) == (delimiter, format_, [])
    assert len(survey["columns"]) == 8


def test_a_chosen_delimiter_that_does_not_occur_gets_a_proposal(tmp_path: Path) -> None:
    file = File(tmp_path, timeline(good(1)).replace(b",", b";"))

    issue = file.question("single_column", delimiter=",")

    assert issue.detail == {"delimiter": ",", "proposed": ";"}


def test_what_cannot_be_a_delimiter_is_refused(tmp_path: Path) -> None:
    assert File(tmp_path, timeline(good(1))).refusal(delimiter='"').code == "delimiter"


def test_more_columns_than_the_limit_refuse_the_file(tmp_path: Path) -> None:
    names = ",".join(f"c{number}" for number in range(201))

    issue = File(tmp_path, f"{names}\n1\n".encode()).refusal()

    assert places([issue]) == [("file", 1, 1, "too_many_columns")]
    assert issue.detail == {"limit": 200, "found": 201}


def test_more_records_than_the_limit_refuse_the_file(tmp_path: Path) -> None:
    file = File(tmp_path, timeline(good(1), "", good(2), good(3), good(4)))

    issue = file.refusal(limits=Limits(rows=2))

    assert places([issue]) == [("file", 5, 5, "too_many_rows")]
    assert issue.detail == {"limit": 2, "found": 3}


def test_a_header_of_an_essay_is_refused(tmp_path: Path) -> None:
    issue = File(tmp_path, b"x" * 1_001 + b",b\n1,2\n").refusal()

    assert places([issue]) == [("file", 1, 1, "header_too_long")]


def test_a_header_that_no_database_keeps_is_refused(tmp_path: Path) -> None:
    issue = File(tmp_path, b"a,b\0\n1,2\n").refusal()

    assert places([issue]) == [("file", 1, 1, "header_character")]
    assert (issue.letter, issue.value) == ("B", r"b\x00")


def test_dates_narrow_the_formats_of_their_column(tmp_path: Path) -> None:
    both = File(
        tmp_path, timeline(good(1, starts_at="01/02/2026"), good(2, starts_at="03/04/2026"))
    )
    days = File(
        tmp_path, timeline(good(1, starts_at="25/01/2026"), good(2, starts_at="03/04/2026")), "two"
    )
    clash = File(
        tmp_path, timeline(good(1, starts_at="25/01/2026"), good(2, starts_at="01/25/2026")), "3"
    )

    assert both.survey()["date_formats"]["4"]["left"] == ["DD/MM/YYYY", "MM/DD/YYYY"]
    assert days.survey()["date_formats"]["4"]["left"] == ["DD/MM/YYYY"]
    assert clash.survey()["date_formats"]["4"]["conflict"] == [2, 3]
