"""Workbooks that are made to harm, damaged ones, and those that are protected."""

import io
import re
import struct
import zipfile
from pathlib import Path

import pytest

from jobs.families.transfers.files.limits import Limits
from tests.factories.upload_files import File
from tests.factories.workbooks import MAIN, inline, packed, parts, written

HEADER = f'<row r="1">{inline("A1", "a")}</row>'


def test_one_cell_in_the_last_corner_is_too_large_a_sheet(tmp_path: Path) -> None:
    rows = f'{HEADER}<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'

    issue = File(tmp_path, packed(parts(rows))).refusal()

    assert (issue.level, issue.code) == ("file", "sheet_too_large")
    assert issue.detail["rectangle"] == "A1:XFD1048576"


def test_many_small_cells_are_stopped_while_inflating(tmp_path: Path) -> None:
    rows = HEADER + "<row>" + "<c><v>1</v></c>" * 200_000 + "</row>"

    issue = File(tmp_path, packed(parts(rows))).refusal()

    assert (issue.level, issue.code) == ("file", "compression_ratio")


def test_a_part_of_blanks_is_stopped_while_inflating(tmp_path: Path) -> None:
    issue = File(tmp_path, packed(parts(HEADER + " " * 5_000_000))).refusal()

    assert (issue.level, issue.code) == ("file", "compression_ratio")


def test_a_part_that_lies_about_its_size_is_damaged(tmp_path: Path) -> None:
    content = packed(parts(HEADER + " " * 5_000_000))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        size = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    content = content.replace(struct.pack("<I", size), struct.pack("<I", 1_000))

    issue = File(tmp_path, content).refusal()

    assert (issue.level, issue.code) == ("file", "xlsx_damaged")


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (Limits(xlsx_bytes=1_000), "too_large"),
        (Limits(xlsx_unpacked_bytes=1_000), "too_large"),
        (Limits(xlsx_parts=3), "xlsx_damaged"),
        (Limits(xlsx_cells=3), "sheet_too_large"),
    ],
)
def test_what_is_over_a_limit_is_refused(tmp_path: Path, limits: Limits, code: str) -> None:
    file = File(tmp_path, written(("a", "b"), (1, 2)))

    assert file.refusal(limits=limits).code == code


def test_ten_thousand_parts_are_refused(tmp_path: Path) -> None:
    content = packed(parts(HEADER) | {f"xl/media/{n}": "" for n in range(10_000)})

    assert File(tmp_path, content).refusal().code == "xlsx_damaged"


@pytest.mark.parametrize("name", ["../evil.xml", "/etc/passwd", "xl\\..\\..\\x", "C:/x"])
def test_names_that_lead_outside_are_refused(tmp_path: Path, name: str) -> None:
    assert File(tmp_path, packed(parts(HEADER) | {name: ""})).refusal().code == "xlsx_damaged"


def test_two_parts_of_one_name_are_refused(tmp_path: Path) -> None:
    content = packed(parts(HEADER) | {"xl/a.xml": "", "xl/b.xml": ""}).replace(b"xl/b", b"xl/a")

    assert File(tmp_path, content).refusal().code == "xlsx_damaged"


def test_overlapping_parts_are_refused(tmp_path: Path) -> None:
    content = packed(parts(HEADER))
    entries = [match.start() for match in re.finditer(b"PK\x01\x02", content)]
    overlapped = bytearray(content)
    overlapped[entries[1] + 42 : entries[1] + 46] = content[entries[0] + 42 : entries[0] + 46]

    assert File(tmp_path, bytes(overlapped)).refusal().code == "xlsx_damaged"


def test_an_encrypted_part_is_refused_as_such(tmp_path: Path) -> None:
    content = bytearray(packed(parts(HEADER)))
    for match in re.finditer(b"PK\x01\x02", bytes(content)):
        content[match.start() + 8] |= 1

    assert File(tmp_path, bytes(content)).refusal().code == "xlsx_encrypted"


@pytest.mark.parametrize("kept", [0.3, 0.9, 0.999])
def test_a_workbook_that_was_cut_off_is_damaged(tmp_path: Path, kept: float) -> None:
    content = written(("a",), (1,))

    issue = File(tmp_path, content[: int(len(content) * kept)]).refusal()

    assert (issue.level, issue.code) == ("file", "xlsx_damaged")


LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">'
FILE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("doctype", [LAUGHS, OUTSIDE, FILE], ids=["laughs", "url", "file"])
@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "docProps/a.xml"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_document_types_and_entities_are_refused(
    tmp_path: Path, doctype: str, part: str, encoding: str
) -> None:
    content: dict[str, str | bytes] = {**parts(HEADER), "docProps/a.xml": "<a/>"}
    content[part] = f"{doctype}{content[part]!s}".encode(encoding)
    if (part, encoding) == ("docProps/a.xml", "utf-16"):
        content["xl/workbook.xml"] = content[part]  # nobody parses that part: it harms nobody

    assert File(tmp_path, packed(content)).refusal().code in ("xlsx_unsafe", "xlsx_damaged")


@pytest.mark.parametrize(
    "broken",
    [
        '<row r="1"><c r="A1" t="s"><v>7</v></c></row>',
        '<row r="1"><c r="A1"><v>x</v></c></row>',
        '<row r="2"><c r="A2"><v>1</v></c></row><row r="1"><c r="A1"><v>1</v></c></row>',
        '<row r="9999999"><c><v>1</v></c></row>',
        '<row r="1"><c r="ZZZZ1"><v>1</v></c></row>',
        '<row r="1"><c r="é1"><v>1</v></c></row>',
        '<row r="x"><c><v>1</v></c></row>',
        "<row><c>",
        "</sheetData>",
    ],
)
def test_cells_that_make_no_sense_are_damage(tmp_path: Path, broken: str) -> None:
    issue = File(tmp_path, packed(parts(broken))).refusal()

    assert (issue.level, issue.code) == ("file", "xlsx_damaged")


@pytest.mark.parametrize("missing", ["_rels/.rels", "xl/_rels/workbook.xml.rels"])
def test_a_workbook_without_its_parts_is_damaged(tmp_path: Path, missing: str) -> None:
    content = parts(HEADER)
    del content[missing]

    assert File(tmp_path, packed(content)).refusal().code == "xlsx_damaged"


def test_prefixed_names_are_names_too(tmp_path: Path) -> None:
    content = parts("")
    content["xl/worksheets/sheet1.xml"] = (
        f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData>'
        '<x:row r="1"><x:c r="A1" t="str"><x:v>a</x:v></x:c></x:row>'
        '<x:row r="2"><x:c r="A2"><x:v>1</x:v></x:c></x:row></x:sheetData></x:worksheet>'
    )

    (record,) = File(tmp_path, packed(content)).records()

    assert record.cells == [1]
