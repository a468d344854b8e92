"""How a text of cells is laid out: what separates them, and whether the first record is a header.

Found from the header and the first 100 records, shown to a person, who may say otherwise.
"""

import csv
import io
import re
from collections.abc import Sequence

DELIMITERS = (",", ";", "\t", "|")
RECORDS = 100

_DATA = re.compile(
    r"""\s*(
        [+-]?\d+([.,]\d+)*                  # a number, a date with dots
      | \d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\S*(\s.*)?  # a date, with a time
      | [^@\s]+@[^@\s]+\.[^@\s]+            # a mail address
      | [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}
      | true | false
    )\s*""",
    re.VERBOSE | re.IGNORECASE,
)


def delimiter_of(text: str) -> str:
    """What separates the cells: what the header has, and most records as often as it."""
    scores = [(_score(text, delimiter), delimiter) for delimiter in DELIMITERS]
    best, delimiter = max(scores)
    return delimiter if best[0] else ","


def columns_with(text: str, delimiter: str) -> int:
    """How many columns the header has when cells are separated by this."""
    records = _records(text, delimiter)
    return len(records[0]) if records else 0


def is_data(cells: Sequence[str]) -> bool:
    """Whether a first record is no header: a header is not a number, a date or an address."""
    return any(_DATA.fullmatch(cell) for cell in cells)


def _score(text: str, delimiter: str) -> tuple[bool, float, int, int]:
    records = _records(text, delimiter)
    width = len(records[0]) if records else 0
    alike = sum(1 for record in records if len(record) == width) / max(1, len(records))
    return width > 1, round(alike, 1), width, -DELIMITERS.index(delimiter)


def _records(text: str, delimiter: str) -> list[list[str]]:
    """The first records that are not blank; a text that was cut ends with the last whole one."""
    found: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found.append(cells)
            if len(found) > RECORDS:
                break
    except csv.Error:
        return found
    return found
