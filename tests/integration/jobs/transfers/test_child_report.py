"""The report: the file again with what is wrong in it, to be corrected and uploaded as it is."""

import codecs
import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import python_calamine

from jobs.families.transfers.child.parent import Child
from jobs.families.transfers.files.issues import Issue
from tests.factories.upload_files import HEADER, NAMES, File, good, timeline
from tests.factories.workbooks import workbook

OURS = ["_row", "_line", "_status", "_errors", "_warnings", "_raw"]
CHOICES = {"kind": "timeline", "columns": {str(i): name for i, name in enumerate(NAMES)}}


def error(row: int, **facts: Any) -> Issue:
    return Issue(level="row", code="choice", message="No such kind.", row=row, **facts)


def report(
    folder: Path,
    content: bytes,
    issues: Sequence[Issue],
    choices: dict[str, Any] | None = None,
    **spec: Any,
) -> bytes:
    upload, found, out = folder / "upload", folder / "issues", folder / "out"
    upload.write_bytes(content)
    found.write_text("".join(json.dumps(issue.as_json()) + "\n" for issue in issues))
    spec |= {"issues": str(found), "out": str(out), "choices": CHOICES | (choices or {})}

    with Child(upload, "report", spec) as child:
        frames = list(child)

    assert frames[-1].kind == "written", frames
    return out.read_bytes()


def table(content: bytes, encoding: str = "utf-8", delimiter: str = ",") -> list[list[str]]:
    text = io.StringIO(content.decode(encoding), newline="")
    return list(csv.reader(text, strict=True, delimiter=delimiter))


def test_bad_rows_come_with_their_errors(tmp_path: Path) -> None:
    content = timeline(good(1), good(2, kind="taks", notes='"a\nb"'), good(3), "E,M")
    issues = [
        error(3, line=3, column="kind", letter="C"),
        Issue(level="warn", code="w", message="Look.", row=3, column="title", letter="D"),
        Issue(level="warn", code="w", message="Look.", row=4),
        Issue(level="row", code="cell_count", message="Two cells.", row=5, line=6),
    ]

    header, bad, short = table(report(tmp_path, content, issues))

    assert header == [*NAMES, *OURS]
    assert bad[:8] == ["E-2", "M-1", "taks", "Entry 2", "2026-01-01T00:00:00Z", "", "", "a\nb"]
    assert bad[8:] == ["3", "3", "failed", "kind: No such kind. [choice]", "title: Look. [w]", ""]
    assert short == [*[""] * 8, "5", "6", "failed", "Two cells. [cell_count]", "", "E,M"]


def test_encoding_mark_and_delimiter_are_those_of_the_file(tmp_path: Path) -> None:
    text = f"{HEADER}\n{good(1, title='Größe')}\n".replace(",", ";")

    marked = report(tmp_path, codecs.BOM_UTF16_LE + text.encode("utf-16-le"), [error(2)])
    chosen = report(tmp_path, text.encode("cp1252"), [error(2)], {"encoding": "cp1252"})

    assert marked.startswith(codecs.BOM_UTF16_LE)
    assert table(marked, "utf-16", ";")[1][3] == "Größe"
    assert table(chosen, "cp1252", ";")[1][3] == "Größe"


def test_no_cell_is_a_formula_and_each_means_the_same_when_read_again(tmp_path: Path) -> None:
    titles = ['"=HYPERLINK(""http://x"")"', "+1x", "@SUM", "'tis", "''", "'=1", "＝1", "-5"]
    content = timeline(*[good(n, title=title) for n, title in enumerate(titles)])

    once = report(tmp_path, content, [], which="all")
    twice = report(tmp_path, once, [], {"columns": CHOICES["columns"]}, which="all")

    cells = [row[3] for row in table(once)[1:]]
    assert cells == [
        *('\'=HYPERLINK("http://x")', "'+1x", "'@SUM", "''tis", "''", "'=1", "'＝1", "-5"),
    ]
    assert twice == once


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ("committed", [("2", "committed"), ("4", "committed")]),
        ("failed", [("3", "failed")]),
        ("not_attempted", [("6", "not_attempted"), ("7", "failed")]),
    ],
)
def test_of_a_commit_there_are_three_files(
    tmp_path: Path, which: str, expected: list[tuple[str, str]]
) -> None:
    content = timeline(*[good(number) for number in range(2, 8)])
    left_out = tmp_path / "left_out"
    left_out.write_bytes(bytes([1 << 5]))  # row 5
    spec = {"which": which, "done": 5, "rest": "not_attempted", "left_out": str(left_out)}

    rows = table(report(tmp_path, content, [error(3), error(7)], **spec))[1:]

    assert [(row[8], row[10]) for row in rows] == expected


def test_a_file_without_a_header_gets_one(tmp_path: Path) -> None:
    choices = {"has_header": False, "columns": {"0": "external_id", "1": None}}

    header, row = table(report(tmp_path, b"E-1,x,y\n", [error(1)], choices))

    assert header == ["external_id", "B", "C", *OURS]
    assert row[:4] == ["E-1", "x", "y", "1"]


def test_jsonl_keeps_its_values(tmp_path: Path) -> None:
    lines = ['{"title": "=1", "id": 5, "notes": null, "tags": ["x"]}', "{", '{"title": "y"}']
    content = "\n".join(lines).encode()
    issues = [error(1, column="title"), Issue(level="row", code="json", message="Bad.", row=2)]

    rows = [json.loads(line) for line in report(tmp_path, content, issues).splitlines()]

    assert rows[0] == {
        "title": "=1",
        "id": 5,
        "tags": ["x"],
        "_row": 1,
        "_line": 1,
        "_status": "failed",
        "_errors": ["title: No such kind. [choice]"],
        "_warnings": [],
    }
    assert (rows[1]["_raw"], rows[1]["_errors"]) == ("{", ["Bad. [json]"])
    assert len(rows) == 2


def test_a_workbook_keeps_its_values_and_colours_what_is_meant(tmp_path: Path) -> None:
    rows = [("title", "starts_at"), ("x", 5), ("=1+1", True)]
    book, target = workbook({"Plan": rows}, strings_to_formulas=False)
    book.close()
    issues = [error(3, column="title", letter="A")]

    written = report(tmp_path, target.getvalue(), issues)

    read = python_calamine.load_workbook(io.BytesIO(written))
    assert read.sheet_names == ["Plan"]
    header, row = read.get_sheet_by_index(0).to_python()
    assert header == ["title", "starts_at", *OURS]
    assert row[:5] == ["=1+1", True, 3, "", "failed"]
    again = File(tmp_path, written, "again").records()
    assert again[0].cells[0] == "=1+1"
    assert b"F8CBAD" in styles(written)


def test_parquet_keeps_its_columns_and_types(tmp_path: Path) -> None:
    target = io.BytesIO()
    columns = {"title": [str(n) for n in range(2_000)], "tags": [[n] for n in range(2_000)]}
    pq.write_table(pa.table(columns), target)

    written = report(tmp_path, target.getvalue(), [error(2), error(1_500, column="title")])

    found = pq.read_table(io.BytesIO(written))
    assert found.column_names == ["title", "tags", *OURS]
    assert found.column("title").to_pylist() == ["1", "1499"]
    assert found.column("tags").to_pylist() == [[1], [1499]]
    assert found.column("_errors").to_pylist()[1] == ["title: No such kind. [choice]"]


@pytest.mark.parametrize("which", ["bad", "all"])
def test_a_report_of_a_report_has_our_columns_once(tmp_path: Path, which: str) -> None:
    content = report(tmp_path, timeline(good(1), good(2)), [error(3)], which="all")

    again = table(report(tmp_path, content, [error(3)], which=which))

    assert again[0] == [*NAMES, *OURS]
    assert again[-1][8:11] == ["3", "3", "failed"]


def styles(content: bytes) -> bytes:
    import zipfile

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read("xl/styles.xml")
