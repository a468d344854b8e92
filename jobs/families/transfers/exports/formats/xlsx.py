"""XLSX from the rows of COPY: row after row to a file of this machine, then to the store.

Every cell is typed: text stays text whatever it begins with, moments are RFC 3339 as in the other
formats, since a date of Excel has no zone.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from xlsxwriter import Workbook

from jobs.families.transfers.errors import CellTooLong
from jobs.families.transfers.exports.statement import Column
from jobs.families.transfers.rules.formula import escape_clear

MOST_ROWS = 1_048_575
"""Of a sheet, below the header."""
MOST_CHARACTERS = 32_767
"""Of a cell; more would be left out without a word."""
EXACT = 10**15
"""From here on Excel rounds a number; such an id is written as text."""
READ_BYTES = 1024 * 1024


def encode(columns: Sequence[Column], blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The file, piece by piece, once all of it is written. Raises CellTooLong."""
    with TemporaryDirectory(prefix="export-") as folder:
        place = Path(folder) / "export.xlsx"
        options = {"constant_memory": True, "tmpdir": folder, "strings_to_urls": False}
        with Workbook(str(place), options) as book:
            _fill(book, columns, blocks)
        with place.open("rb") as file:
            while piece := file.read(READ_BYTES):
                yield piece


def _fill(book: Workbook, columns: Sequence[Column], blocks: Iterator[bytes]) -> None:
    sheet = book.add_worksheet("Export")
    sheet.freeze_panes(1, 0)
    sheet.write_row(0, 0, [one.name for one in columns], book.add_format({"bold": True}))
    is_number = [one.type == "integer" for one in columns]
    number = 0
    for block in blocks:
        for cells in csv.reader(io.StringIO(block.decode(), newline="")):
            number += 1
            for place, cell in enumerate(cells):
                if not cell:
                    continue
                if is_number[place] and int(cell) < EXACT:
                    sheet.write_number(number, place, int(cell))
                elif len(cell) > MOST_CHARACTERS:
                    raise CellTooLong(columns[place].name, number + 1, len(cell), MOST_CHARACTERS)
                else:
                    sheet.write_string(number, place, escape_clear(cell))
