"""A quote that opens and never closes: everything behind it would be guessed."""

from pathlib import Path

import pytest

from jobs.families.transfers.files.issues import Refused
from jobs.families.transfers.files.quoting import open_cell
from tests.factories.upload_files import File, good, places, timeline


@pytest.mark.parametrize("lines", [10_000, 100_000])
def test_the_file_is_refused_at_the_record_in_which_it_opens(tmp_path: Path, lines: int) -> None:
    content = timeline(good(1), 'E-2,M-1,task,"open', *[good(n) for n in range(3, lines)])
    file = File(tmp_path, content)

    issue = file.refusal()

    assert places([issue]) == [("file", 3, 3, "quote_unclosed")]
    assert (issue.column, issue.letter) == ("title", "D")


def test_the_records_before_it_are_read(tmp_path: Path) -> None:
    file = File(tmp_path, timeline(good(1), '"open', good(3)))
    records = file.iterate()

    assert next(records).row == 2
    with pytest.raises(Refused):
        next(records)


def test_one_in_the_header_refuses_too(tmp_path: Path) -> None:
    issue = File(tmp_path, b'a,"b\n1,2\n').refusal()

    assert places([issue]) == [("file", 1, 1, "quote_unclosed")]


def test_one_cell_that_is_longer_than_a_record_is_said_to_be_unclosed(tmp_path: Path) -> None:
    content = timeline(good(1), good(2, notes='"' + "x" * 1_500_000 + '"'), good(3))

    issue = File(tmp_path, content).refusal()

    assert places([issue]) == [("file", 3, 3, "quote_unclosed")]
    assert issue.letter == "H"


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("a,b\n", None),
        ('"a', 0),
        ('a,"b""', 1),
        ('a,"b"""', None),
        ('a,x"b', None),
        ('"a\nb",c\nd,"', 1),
        ('""', None),
        ("", None),
    ],
)
def test_the_open_cell_is_found_where_the_parser_finds_it(text: str, cell: int | None) -> None:
    assert open_cell(text, ",") == cell
