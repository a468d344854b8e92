"""Writes the rows of a report in the format of the file that they are of."""

import csv
import json
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from jobs.families.transfers.files.records import Cell, CellError, Column
from jobs.families.transfers.files.report import OURS, Marked
from jobs.families.transfers.rules import formula

XLSX_CHARACTERS = 32_767
"""Of one cell; a spreadsheet program calls a workbook with more of them damaged."""
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)*")


class Layout:
    """The columns of the file that are written: all but ours, of a report that came back."""

    def __init__(self, columns: Sequence[Column], header: Sequence[Cell]) -> None:
        self.columns = [column for column in columns if column.name not in OURS]
        self.header = [header[column.index] for column in self.columns]

    def cells(self, row: Marked) -> list[Cell]:
        """The cells of a row; none of a record that could not be split."""
        cells = [] if row.record.raw is not None else row.record.cells
        count = len(cells)
        return [cells[one.index] if one.index < count else "" for one in self.columns]


def delimited(
    rows: Iterable[Marked],
    out: Path,
    layout: Layout,
    *,
    encoding: str,
    mark: str,
    delimiter: str,
) -> None:
    """CSV or TSV, formula-safe."""
    # What is the file's own fits its encoding; a message of ours may not.
    with out.open("w", encoding=encoding, errors="backslashreplace", newline="") as file:
        file.write(mark)
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow([*map(safe, layout.header), *OURS])
        for row in rows:
            writer.writerow([*map(safe, layout.cells(row)), *map(safe, _ours(row))])


def jsonl(rows: Iterable[Marked], out: Path, layout: Layout, *, encoding: str) -> None:
    """One object a line; a line that was none has its text in `_raw`."""
    with out.open("w", encoding=encoding, errors="backslashreplace", newline="\n") as file:
        for row in rows:
            cells = zip(layout.columns, layout.cells(row), strict=True)
            found = {column.name: cell for column, cell in cells if cell is not None}
            if row.record.raw is not None:
                found = {}
            ours = {name: value for name, value in row.ours().items() if value is not None}
            file.write(json.dumps(found | ours, ensure_ascii=False) + "\n")


def xlsx(rows: Iterable[Marked], out: Path, layout: Layout, *, sheet: str) -> None:
    """A workbook of one sheet; the cells that are meant are coloured. Memory is that of a row."""
    import xlsxwriter

    options = {"constant_memory": True, "tmpdir": str(out.parent)}
    book = xlsxwriter.Workbook(str(out), options)
    page = book.add_worksheet(sheet)
    page.freeze_panes(1, 0)
    formats = _Formats(book)
    for place, name in enumerate([*layout.header, *OURS]):
        _write(page, 0, place, name, formats.bold, formats)
    letters = [column.letter for column in layout.columns]
    for number, row in enumerate(rows, 1):
        colours = {issue.letter: formats.warning for issue in row.warnings}
        colours |= {issue.letter: formats.error for issue in row.errors}
        for place, (cell, one) in enumerate(zip(layout.cells(row), letters, strict=True)):
            _write(page, number, place, cell, colours.get(one), formats)
        for place, value in enumerate(_ours(row), len(letters)):
            _write(page, number, place, value, None, formats)
    book.close()


def safe(cell: Cell) -> str:
    """A cell that no spreadsheet computes; a plain number stays one."""
    text = str(cell)
    return text if _NUMBER.fullmatch(text) else formula.safe(text)


def _ours(row: Marked) -> list[Any]:
    found = row.ours()
    errors, warnings = " | ".join(found["_errors"]), " | ".join(found["_warnings"])
    line = "" if found["_line"] is None else found["_line"]
    return [found["_row"], line, found["_status"], errors, warnings, found["_raw"] or ""]


class _Formats:
    """The formats of one workbook; a coloured date needs one of its own."""

    def __init__(self, book: Any) -> None:
        day = {"num_format": "yyyy-mm-dd hh:mm:ss"}
        self.bold = book.add_format({"bold": True})
        self.error = book.add_format({"bg_color": "#F8CBAD"})
        self.warning = book.add_format({"bg_color": "#FFE699"})
        self._day = {
            id(None): book.add_format(day),
            id(self.error): book.add_format(day | {"bg_color": "#F8CBAD"}),
            id(self.warning): book.add_format(day | {"bg_color": "#FFE699"}),
        }

    def day(self, colour: Any) -> Any:
        """For a date in a cell of this colour."""
        return self._day[id(colour)]


def _write(page: Any, row: int, place: int, cell: Cell, colour: Any, formats: _Formats) -> None:
    match cell:
        case None | "":
            page.write_blank(row, place, None, colour)
        case bool():
            page.write_boolean(row, place, cell, colour)
        case int() | float() | Decimal():
            page.write_number(row, place, cell, colour)
        case datetime() | date():
            page.write_datetime(row, place, cell, formats.day(colour))
        case CellError():
            page.write_string(row, place, cell.text, colour)
        case _:
            page.write_string(row, place, str(cell)[:XLSX_CHARACTERS], colour)
