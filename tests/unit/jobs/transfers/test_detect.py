"""What a file is, by its content."""

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from tests.factories.upload_files import File, good, timeline


def zipped(**entries: str) -> bytes:
    folder = io.BytesIO()
    with zipfile.ZipFile(folder, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return folder.getvalue()


OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
OTHERS = {
    "pdf.csv": (b"%PDF-1.7\n" + bytes(range(200)), "PDF"),
    "x.xls": (OLD, ".xls"),
    "x.xlsm": (zipped(**{"xl/workbook.xml": "", "xl/vbaProject.bin": ""}), ".xlsm"),
    "x.xlsb": (zipped(**{"xl/workbook.bin": ""}), ".xlsb"),
    "x.ods": (
        zipped(mimetype="application/vnd.oasis.opendocument.spreadsheet", **{"content.xml": ""}),
        ".ods",
    ),
    "x.docx": (zipped(**{"[Content_Types].xml": "", "word/document.xml": ""}), ".docx"),
    "x.zip": (zipped(**{"x.csv": "a,b"}), "ZIP"),
    "x.csv.gz": (gzip.compress(timeline(good(1))), "gzip"),
    "page.csv": (b"\n <!DOCTYPE html><html>", "HTML"),
    "array.json": (b'[ {"title": "x"} ]', "JSON array"),
    "picture.csv": (b"\x89PNG\r\n\x1a\n", "PNG"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_table_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    content, what = OTHERS[name]

    issue = File(tmp_path, content).refusal(name=name)

    assert (issue.level, issue.code) == ("file", "format_mismatch")
    assert what in issue.detail["is"]
    assert what in issue.message


def test_a_workbook_behind_a_password_is_refused_as_such(tmp_path: Path) -> None:
    content = OLD + "EncryptedPackage".encode("utf-16-le")

    assert File(tmp_path, content).refusal().code == "xlsx_encrypted"


def test_text_under_the_name_of_a_workbook_is_offered_as_csv(tmp_path: Path) -> None:
    file = File(tmp_path, timeline(good(1)))

    issue = file.question("format_mismatch", name="csv.xlsx")

    assert issue.detail == {"is": "csv", "expected": "xlsx", "offered": "csv"}
    assert file.survey(name="csv.xlsx", format="csv")["questions"] == []


@pytest.mark.parametrize(
    "name", ["../../x.csv", "<img onerror>.csv", "\u202evsc.csv", "x" * 300 + ".csv", "=cmd.csv"]
)
def test_a_name_decides_nothing(tmp_path: Path, name: str) -> None:
    survey = File(tmp_path, timeline(good(1))).survey(name=name)

    assert (survey["format"], survey["rows"], survey["questions"]) == ("csv", 1, [])


def test_an_array_per_line_is_jsonl_when_the_name_says_so(tmp_path: Path) -> None:
    from jobs.families.transfers.files.detect import detect

    file = File(tmp_path, b"[1]\n{}\n")

    assert detect(file.path, name="x.jsonl").format == "jsonl"
