"""In which encoding a file is, and what is asked when its bytes do not say."""

import codecs
from pathlib import Path

import pytest

from jobs.families.transfers.files.encoding import Undecodable
from jobs.families.transfers.files.issues import Refused
from tests.factories.upload_files import HEADER, File, good, places, timeline


def encoded(encoding: str, **cells: str) -> bytes:
    return "\n".join((HEADER, good(1, **cells), good(2), "")).encode(encoding)


def test_a_mark_is_no_part_of_the_header(tmp_path: Path) -> None:
    quoted = codecs.BOM_UTF8 + timeline(good(1)).replace(b"external_id", b'"external_id"')

    survey = File(tmp_path, quoted).survey()

    assert survey["columns"][0]["name"] == "external_id"
    assert (survey["encoding"], survey["questions"]) == ("utf-8", [])


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_a_mark_decides(tmp_path: Path, mark: bytes, encoding: str) -> None:
    file = File(tmp_path, mark + encoded(encoding, title="Größe 🜚"))

    survey, records = file.survey(), file.records()

    assert (survey["encoding"], survey["questions"]) == (encoding, [])
    assert records[0].cells[3] == "Größe 🜚"


def test_bytes_that_are_not_utf8_are_asked_about(tmp_path: Path) -> None:
    content = encoded("cp1252", title="schön")
    file = File(tmp_path, content)

    issue = file.question("encoding_unknown")

    assert places([issue]) == [("question", 2, 2, "encoding_unknown")]
    assert issue.detail["offset"] == content.index(b"\xf6")
    survey = file.survey()
    assert survey["complete"] is False
    assert len(survey["encodings_proposed"]) == 3
    assert survey["encodings_proposed"][0] == {"encoding": "cp1252", "sample": ["schön"]}


def test_what_was_chosen_is_what_is_read(tmp_path: Path) -> None:
    file = File(tmp_path, encoded("cp1252", title="schön"))

    survey, records = file.survey(encoding="cp1252"), file.records(encoding="cp1252")

    assert (survey["encoding"], survey["questions"]) == ("cp1252", [])
    assert survey["accents"] == [{"row": 2, "letter": "D", "text": "schön"}]
    assert records[0].cells[3] == "schön"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_zero_bytes_propose_utf16_and_utf32(tmp_path: Path, encoding: str) -> None:
    file = File(tmp_path, encoded(encoding))

    issue = file.question("encoding_unknown")

    assert issue.level == "question"
    assert issue.detail["proposed"][0] == encoding
    proposed = file.survey()["encodings_proposed"]
    assert proposed[0]["encoding"] == encoding
    assert "external_id" in proposed[0]["sample"]
    assert file.survey(encoding=encoding)["rows"] == 2
    with pytest.raises(Refused):
        file.records()


def test_a_row_in_another_encoding_is_called_mixed(tmp_path: Path) -> None:
    rows = [good(number, title="grün").encode() for number in range(2, 900)]
    rows.append(good(900, title="schön").encode("cp1252"))
    file = File(tmp_path, b"\n".join((HEADER.encode(), *rows, good(901).encode())))

    issue = file.question("encoding_mixed")

    assert places([issue]) == [("question", 900, 900, "encoding_mixed")]
    assert file.survey()["encodings_proposed"][0] == {
        "encoding": "cp1252",
        "sample": ["schön", "grÃ¼n"],
    }
    chosen = file.survey(encoding="cp1252")
    assert chosen["accents"][0] == {"row": 2, "letter": "D", "text": "grÃ¼n"}


@pytest.mark.parametrize("wrong", [b"\xc0\x80", b"\xed\xa0\x80"], ids=["overlong", "surrogate"])
def test_overlong_and_surrogate_sequences_are_no_utf8(tmp_path: Path, wrong: bytes) -> None:
    content = timeline(good(1), good(2, title="XX")).replace(b"XX", wrong)

    issue = File(tmp_path, content).question("encoding_unknown")

    assert places([issue]) == [("question", 3, 3, "encoding_unknown")]
    assert issue.detail["offset"] == content.index(wrong)


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_the_row_of_the_byte_is_right_however_lines_end(tmp_path: Path, end: str) -> None:
    content = timeline(good(1, notes='"a\nb"'), "XX", end=end).replace(b"XX", b"\xff")

    issue = File(tmp_path, content).question("encoding_unknown")

    assert places([issue]) == [("question", 3, 4, "encoding_unknown")]


def test_reading_stops_at_bytes_that_are_no_text(tmp_path: Path) -> None:
    file = File(tmp_path, timeline(good(1), "XX").replace(b"XX", b"\xff"))
    records = file.iterate()

    assert next(records).row == 2
    with pytest.raises(Undecodable):
        next(records)


def test_an_encoding_that_is_not_offered_is_refused(tmp_path: Path) -> None:
    issue = File(tmp_path, timeline(good(1))).refusal(encoding="punycode")

    assert (issue.level, issue.code) == ("file", "encoding_unknown")
