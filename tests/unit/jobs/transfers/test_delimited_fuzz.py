"""Any bytes are records and issues, or refused; rows and lines are those of a naive reading."""

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.families.transfers.files import encoding
from jobs.families.transfers.files.delimited import DelimitedReader
from jobs.families.transfers.files.encoding import Undecodable
from jobs.families.transfers.files.issues import Refused
from jobs.families.transfers.files.limits import Limits
from tests.factories.upload_files import File

Found = tuple[int, int, list[str] | None]
"""Row, line, cells; None for a record that is malformed."""

PIECES = ["a", "bb", ",", ",", '"', '"', "\n", "\r", "\r\n", " ", "ö", "\u2028", "\x85", "\0", "\\"]
texts = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)
fuzz = settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Unclosed(Exception):
    """At this row and line."""


def naive(text: str) -> Iterator[Found]:
    """Character by character, as RFC 4180 has it, lines counted as an editor does."""
    row = place = 0
    line = 1
    while place < len(text):
        row += 1
        cells, end = record(text, place, row, line)
        yield row, line, cells
        line += ends_of_lines(text[place:end])
        place = end


def record(  # noqa: C901 - one loop, to be believed on sight
    text: str, place: int, row: int, line: int
) -> tuple[list[str] | None, int]:
    """The cells of the record that begins here, and where the next one does."""
    cells = [""]
    state = "start"
    while place < len(text):
        character = text[place]
        if state == "quoted":
            if character == '"':
                state = "closed"
            else:
                cells[-1] += character
        elif character in "\r\n":
            return cells, behind_line(text, place)
        elif character == ",":
            cells.append("")
            state = "start"
        elif character == '"' and state == "closed":
            cells[-1] += '"'
            state = "quoted"
        elif state == "closed":
            while text[place] not in "\r\n":
                place += 1
                if place == len(text):
                    return None, place
            return None, behind_line(text, place)
        elif character == '"' and state == "start":
            state = "quoted"
        else:
            cells[-1] += character
            state = "open"
        place += 1
    if state == "quoted":
        raise Unclosed(row, line)
    return cells, place


def behind_line(text: str, place: int) -> int:
    return place + (2 if text.startswith("\r\n", place) else 1)


def ends_of_lines(text: str) -> int:
    return text.replace("\r\n", "\n").replace("\r", "\n").count("\n")


def expected(text: str) -> tuple[list[Found], tuple[int, int] | None]:
    """Records with anything in them, and where a quote was not closed."""
    found: list[Found] = []
    try:
        for row, line, cells in naive(text):
            if cells is None or any(cells):
                found.append((row, line, cells))
    except Unclosed as unclosed:
        return found, (unclosed.args[0], unclosed.args[1])
    return found, None


def actual(path: Path, block: int) -> tuple[list[Found], tuple[int | None, int | None] | None]:
    """What the reader says, in blocks of so many bytes; cells that do not fit count as blank."""
    found: list[Found] = []
    with patch.object(encoding, "BLOCK_BYTES", block):
        try:
            with DelimitedReader(
                path,
                encoding="utf-8",
                mark_bytes=0,
                delimiter=",",
                has_header=True,
                limits=Limits(),
            ) as reader:
                for record_ in reader:
                    malformed = any(i.code == "quote_malformed" for i in record_.issues)
                    cells = None if malformed else record_.cells
                    found.append((record_.row, record_.line or 0, cells))
        except Refused as refused:
            return found, (refused.issue.row, refused.issue.line)
    return found, None


@fuzz
@given(text=texts, block=st.integers(1, 40))
def test_rows_lines_and_cells_are_those_of_a_naive_reading(
    tmp_path: Path, text: str, block: int
) -> None:
    file = File(tmp_path, f"h,i\n{text}".encode())
    wanted, unclosed = expected(f"h,i\n{text}")

    found, refused = actual(file.path, block)

    wanted = [w for w in wanted[1:] if w[2] is None or len(w[2]) == 2 or any(map(str.strip, w[2]))]
    assert [(row, line) for row, line, _ in found] == [(row, line) for row, line, _ in wanted]
    for (_, _, cells), (_, _, right) in zip(found, wanted, strict=True):
        cut = right if right is None or any(right[2:]) else right[:2]
        assert cells in (cut, right)
    assert refused == unclosed


@fuzz
@given(content=st.binary(max_size=300), block=st.integers(1, 300))
def test_any_bytes_are_records_or_refused(tmp_path: Path, content: bytes, block: int) -> None:
    file = File(tmp_path, content)
    with patch.object(encoding, "BLOCK_BYTES", block):
        try:
            survey = file.survey(format="csv", has_header=True)
            records = file.records(format="csv", has_header=True)
        except (Refused, Undecodable):
            return

    assert survey["rows"] == len(records)
    assert [record.row for record in records] == sorted({record.row for record in records})


@fuzz
@given(head=st.sampled_from([b"{", b"PAR1", b"PK\x03\x04", b"", b"\xff\xfe"]), rest=st.binary())
def test_a_survey_of_any_bytes_ends_with_words(tmp_path: Path, head: bytes, rest: bytes) -> None:
    level = "file"
    try:
        File(tmp_path, head + rest).survey(name="x")
    except Refused as refused:
        level = refused.issue.level

    assert level == "file"


@pytest.mark.parametrize("name", ["cp1252", "utf-16-le", "cp932", "gb18030"])
@fuzz
@given(rest=st.binary(max_size=200), block=st.integers(2, 50))
def test_any_bytes_in_any_encoding_are_records_or_refused(
    tmp_path: Path, name: str, rest: bytes, block: int
) -> None:
    file, level = File(tmp_path, rest), "file"
    with patch.object(encoding, "BLOCK_BYTES", block):
        try:
            file.survey(format="csv", encoding=name, has_header=True)
        except Refused as refused:
            level = refused.issue.level

    assert level == "file"
