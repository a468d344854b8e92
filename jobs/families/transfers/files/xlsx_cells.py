"""The cells of one sheet, row by row, from its XML.

One streaming pass, because what a library gives back has lost what matters here: error cells and
formulas that were never computed come as empty text, long numbers as rounded ones, and the whole
sheet is in memory first (one cell in XFD1048576 aborts the process). Memory is that of one row.
"""

import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from jobs.families.transfers.files.issues import refused
from jobs.families.transfers.files.limits import Limits
from jobs.families.transfers.files.records import Cell, CellError, letter
from jobs.families.transfers.files.xlsx_book import (
    Attributes,
    Book,
    Sheet,
    local,
    parser,
    unescaped,
)
from jobs.families.transfers.files.xlsx_guard import PIECE_BYTES, damaged

MOST_DIGITS = 15
"""Of a number in a workbook; what has more was rounded when it was typed."""
LAST_ROW, LAST_COLUMN = 1_048_576, 16_384
MERGED_KEPT = 20
DAY_MS = 86_400_000
LAST_SERIAL = 2_958_466  # 1 January 10000


class Row:
    """One row that has something in it: its number, its cells by column, what was noticed."""

    __slots__ = ("cells", "hidden", "number", "zeros")

    def __init__(self, number: int, hidden: bool) -> None:
        self.number = number
        self.hidden = hidden
        self.cells: dict[int, Cell] = {}
        self.zeros: list[tuple[int, str]] = []  # columns that show zeros their value has not


class Sheets:
    """Parses one sheet, once; `merged` has some of its merged ranges at the end."""

    def __init__(self, archive: zipfile.ZipFile, book: Book, sheet: Sheet, limits: Limits) -> None:
        self.merged: list[str] = []
        self.read = 0.0  # the share of the sheet that is behind us
        self._archive, self._book, self._part, self._limits = archive, book, sheet.part, limits
        self._done: list[Row] = []
        self._row = Row(0, False)
        self._column = -1
        self._type = self._style = ""
        self._value: list[str] | None = None  # the text of <v> or <t>, while and after it is read
        self._collecting = self._formula = self._reading = False
        self._columns: dict[str, int] = {}
        self._box = (LAST_ROW, 0, LAST_COLUMN, 0)
        self._names: dict[str, str] = {}

    def __iter__(self) -> Iterator[Row]:
        """Rows with a value in them, in the order of the sheet. Raises Refused, ExpatError."""
        size = max(1, self._archive.getinfo(self._part).file_size)
        made = parser(self._start, self._end, self._text)
        with self._archive.open(self._part) as stream:
            seen = 0
            while piece := stream.read(PIECE_BYTES):
                made.Parse(piece, False)
                seen += len(piece)
                self.read = seen / size
                yield from self._taken()
            made.Parse(b"", True)
            yield from self._taken()

    def _taken(self) -> list[Row]:
        done, self._done = self._done, []
        return done

    def _start(self, element: str, attributes: Attributes) -> None:
        name = self._names.get(element) or self._names.setdefault(element, local(element))
        if name == "c":
            self._begin_cell(attributes)
        elif name in ("v", "t"):
            if self._value is None:
                self._value = []
            self._collecting = not self._reading
        elif name == "row":
            self._begin_row(attributes)
        elif name == "f":
            self._formula = True
        elif name == "rPh":
            self._reading = True
        elif name == "mergeCell" and len(self.merged) < MERGED_KEPT:
            self.merged.append(attributes.get("ref", "")[:40])

    def _text(self, data: str) -> None:
        if self._collecting and self._value is not None:
            self._value.append(data)

    def _end(self, element: str) -> None:
        name = self._names[element]
        if name in ("v", "t"):
            self._collecting = False
        elif name == "c":
            self._end_cell()
        elif name == "row":
            if self._row.cells:
                self._measure(self._row)
                self._done.append(self._row)
        elif name == "rPh":
            self._reading = False

    def _begin_row(self, attributes: Attributes) -> None:
        number = int(attributes.get("r") or self._row.number + 1)
        if not self._row.number < number <= LAST_ROW:
            raise damaged("rows out of order")
        self._row = Row(number, attributes.get("hidden") in ("1", "true"))
        self._column = -1

    def _begin_cell(self, attributes: Attributes) -> None:
        reference = attributes.get("r")
        if reference is None:
            self._column += 1
        else:
            letters = reference.rstrip("0123456789")
            column = self._columns.get(letters)
            self._column = self._place(letters) if column is None else column
        self._type = attributes.get("t", "n")
        self._style = attributes.get("s", "")
        self._value = None
        self._formula = False

    def _end_cell(self) -> None:
        value = None if self._value is None else "".join(self._value)
        if not value and not self._formula:
            return
        cell = self._cell(value)
        if cell is not None and cell != "":
            self._row.cells[self._column] = cell

    def _cell(self, value: str | None) -> Cell:
        kind = self._type
        if self._formula and (value is None or (not value and kind == "n")):
            return CellError("formula_uncached", "formula without a value")
        if value is None:
            return None
        if kind == "s":
            return self._book.strings[int(value)]
        if kind == "n":
            return self._number(value)
        if kind == "b":
            return value.strip() in ("1", "true")
        if kind == "e":
            return CellError("cell_error", value[:20])
        if kind == "d":
            return value
        return unescaped(value)

    def _number(self, text: str) -> Cell:
        if self._style in self._book.dates:
            return serial(float(text), epoch_1904=self._book.epoch_1904, text=text)
        number = float(text)
        if number.is_integer() and abs(number) < 10**MOST_DIGITS:
            digits = self._book.zeros.get(self._style)
            if digits and number >= 0 and len(str(int(number))) < digits:
                self._row.zeros.append((self._column, str(int(number)).zfill(digits)[:40]))
            return int(number)
        return number

    def _place(self, letters: str) -> int:
        place = 0
        for character in letters:
            if not "A" <= character <= "Z":
                raise damaged("a cell without a place")
            place = place * 26 + ord(character) - 64
        if not 0 < place <= LAST_COLUMN:
            raise damaged("a cell without a place")
        self._columns[letters] = place - 1
        return place - 1

    def _measure(self, row: Row) -> None:
        """The rectangle in use so far. Raises Refused when it is too large."""
        top, bottom, left, right = self._box
        first, last = min(row.cells), max(row.cells)
        self._box = (
            min(top, row.number),
            max(bottom, row.number),
            min(left, first),
            max(right, last),
        )
        top, bottom, left, right = self._box
        cells = (bottom - top + 1) * (right - left + 1)
        if cells > self._limits.xlsx_cells:
            used = f"{letter(left)}{top}:{letter(right)}{bottom}"
            raise refused(
                "sheet_too_large",
                f"The sheet uses {used}, which is {cells:,} cells; the limit is "
                f"{self._limits.xlsx_cells:,}. Delete what is outside the table, or save it as "
                "CSV.",
                detail={"limit": self._limits.xlsx_cells, "found": cells, "rectangle": used},
            )


def serial(number: float, *, epoch_1904: bool, text: str) -> datetime | CellError:
    """The moment that a number stands for in a workbook, to the millisecond.

    In the calendar from 1900 there is a 29 February 1900 that never was (60); days before it count
    from one day later. What is no day at all (a time, a negative number) is an error.
    """
    days, first = number, datetime(1904, 1, 1)  # noqa: DTZ001 - local, as the workbook is
    if not epoch_1904:
        first = datetime(1899, 12, 31 if number < 60 else 30)  # noqa: DTZ001
        if not number >= 1 or 60 <= number < 61:
            return CellError("datetime", text[:40])
    if not 0 <= days < LAST_SERIAL - (1_462 if epoch_1904 else 0):
        return CellError("datetime", text[:40])
    return first + timedelta(milliseconds=round(days * DAY_MS))


def dense(row: Row, width: int) -> list[Any]:
    """The cells of a row as a list of at least this width; empty ones are ""."""
    cells = row.cells
    last = max(cells)
    return [cells.get(place, "") for place in range(max(width, last + 1))]
