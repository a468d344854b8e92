"""XLSX: one sheet of a workbook as records. The first row with something in it is the header."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from jobs.families.transfers.files import xlsx_book, xlsx_guard
from jobs.families.transfers.files.columns import columns_of, too_long_cells
from jobs.families.transfers.files.issues import Issue, refused, shown
from jobs.families.transfers.files.limits import Limits
from jobs.families.transfers.files.records import NO_ISSUES, CellError, Record
from jobs.families.transfers.files.xlsx_book import Sheet
from jobs.families.transfers.files.xlsx_cells import Row, Sheets, dense


class Workbook:
    """An XLSX file, looked at by the guard. Raises Refused."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self.path, self.limits = path, limits
        self._stack = ExitStack()
        try:
            self.archive = self._stack.enter_context(xlsx_guard.opened(path, limits))
            self.book = xlsx_book.read(self.archive)
        except xlsx_guard.TROUBLE as error:
            self._stack.close()
            raise xlsx_guard.damaged(type(error).__name__) from None
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def rows(self, sheet: Sheet) -> Sheets:
        """The rows of a sheet, to be gone through once."""
        return Sheets(self.archive, self.book, sheet, self.limits)

    def filled(self, sheet: Sheet) -> bool:
        """Whether anything is in it; reads no further than that."""
        return any(True for _ in guarded(self.rows(sheet)))

    def sheet(self, name: str | None) -> Sheet:
        """The one of this name; without a name the only one with anything in it."""
        if name is not None:
            for sheet in self.book.sheets:
                if sheet.name == name:
                    return sheet
            raise refused("sheet_unknown", f"There is no sheet {shown(name)!r} in this workbook.")
        filled = [sheet for sheet in self.book.sheets if self.filled(sheet)]
        if not filled:
            raise refused("empty_file", "Every sheet of this workbook is empty.")
        if len(filled) > 1:
            raise refused("choose_sheet", "Several sheets have rows: choose one.")
        return filled[0]


class XlsxReader:
    """Records of one sheet. Raises Refused: when made, and while iterating.

    hidden_rows: how many of the records so far are hidden; they count like others.
    """

    def __init__(self, workbook: Workbook, sheet: Sheet, *, has_header: bool) -> None:
        self.blank = self.hidden_rows = 0
        self.sheet, self._workbook = sheet.name, workbook
        self._size = workbook.path.stat().st_size
        self._rows = workbook.rows(sheet)
        self._found = guarded(self._rows)
        first = next(self._found, None)
        if first is None:
            raise refused("empty_file", "The sheet is empty: there is no cell in it.")
        self.blank = first.number - 1
        self._last, self._first = first.number, None if has_header else first
        self.header = Record(first.number, None, dense(first, 0))
        cells = ["" if isinstance(cell, CellError) else cell for cell in self.header.cells]
        header = Record(first.number, None, cells)
        self.columns = columns_of(header, has_header=has_header, limits=workbook.limits)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._workbook.__exit__()

    @property
    def position(self) -> int:
        """About how many bytes of the file are behind us."""
        return int(self._size * self._rows.read)

    @property
    def merged(self) -> list[str]:
        """Some of the merged ranges; known at the end."""
        return self._rows.merged

    def __iter__(self) -> Iterator[Record]:
        if self._first:
            yield self._record(self._first)
        for row in self._found:
            self.blank += row.number - self._last - 1
            self._last = row.number
            yield self._record(row)

    def _record(self, row: Row) -> Record:
        width = len(self.columns)
        if row.hidden:
            self.hidden_rows += 1
        record = Record(row.number, None, dense(row, width))
        issues: list[Issue] = []
        if len(record.cells) > width:
            issues.append(self._surplus(record))
            del record.cells[width:]
        if row.zeros:
            issues += [self._zeros(row, place, text) for place, text in row.zeros if place < width]
        issues += too_long_cells(record, self.columns, self._workbook.limits)
        record.issues = issues or NO_ISSUES
        return record

    def _surplus(self, record: Record) -> Issue:
        width = len(self.columns)
        surplus = [cell for cell in record.cells[width:] if cell != ""]
        return Issue(
            level="row",
            code="cell_count",
            message=f"This row has values behind the last of the {width} columns.",
            row=record.row,
            value=shown(", ".join(str(getattr(cell, "text", cell)) for cell in surplus)),
            detail={"found": len(record.cells), "expected": width},
        )

    def _zeros(self, row: Row, place: int, text: str) -> Issue:
        column = self.columns[place]
        return Issue(
            level="warn",
            code="number_format",
            message=f"The cell shows {text}, but its value is the number {row.cells[place]}: that "
            "is what is read. Format the column as text to keep the zeros.",
            row=row.number,
            column=column.name,
            letter=column.letter,
            value=str(row.cells[place]),
            detail={"shown": text},
        )


def guarded(rows: Sheets) -> Iterator[Row]:
    """The rows; what a damaged part does to its parser refuses the file."""
    try:
        yield from rows
    except xlsx_guard.TROUBLE as error:
        raise xlsx_guard.damaged(type(error).__name__) from None


def sheets_of(workbook: Workbook) -> list[dict[str, Any]]:
    """Of each sheet: its name, whether it is hidden, whether anything is in it."""
    return [
        {"name": sheet.name, "hidden": sheet.hidden, "filled": workbook.filled(sheet)}
        for sheet in workbook.book.sheets
    ]
