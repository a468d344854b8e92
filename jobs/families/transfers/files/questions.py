"""What the layout of a file leaves open, and what about it somebody should know."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from jobs.families.transfers.files import dialect
from jobs.families.transfers.files.detect import Found
from jobs.families.transfers.files.encoding import Start, Undecodable
from jobs.families.transfers.files.issues import Issue, shown
from jobs.families.transfers.files.records import Column, Record
from jobs.families.transfers.files.xlsx import XlsxReader


def other_format(found: Found) -> Issue:
    """The content is not what the name says. Text that is called a workbook is asked about."""
    asked = found.format in ("csv", "jsonl")
    actual, expected = found.format.upper(), (found.expected or "").upper()
    return Issue(
        level="question" if asked and found.expected in ("xlsx", "parquet") else "warn",
        code="format_mismatch",
        message=f"The name says {expected}, the content is {actual}: it is read as {actual}.",
        detail={"is": found.format, "expected": found.expected, "offered": found.format},
    )


def zeros_between(start: Start) -> Issue:
    """UTF-16 or UTF-32 without a mark: read as anything else it is full of NUL."""
    return Issue(
        level="question",
        code="encoding_unknown",
        message="Zero bytes stand between the letters, as in UTF-16 or UTF-32, and there is no "
        "byte order mark. Choose the encoding in which the cells look right.",
        row=1,
        line=1,
        detail={"offset": 0, "proposed": list(start.zeros)},
    )


def unknown_encoding(error: Undecodable, encoding: str, *, mixed: bool) -> Issue:
    """Bytes that are no text in this encoding."""
    byte, offset = error.bad.byte, error.bad.offset
    where = f"The byte 0x{byte:02X} in row {error.row} (offset {offset}) is not {encoding}"
    if mixed:
        message = f"{where}, while other rows are: two encodings are mixed. Save the file in one."
    else:
        message = f"{where}. Choose the encoding in which the cells look right."
    return Issue(
        level="question",
        code="encoding_mixed" if mixed else "encoding_unknown",
        message=message,
        row=error.row,
        line=error.line,
        detail={"offset": offset, "byte": f"0x{byte:02X}", "encoding": encoding},
    )


def looks_like_data(first: Record) -> bool:
    """Whether the first record is no header."""
    cells = first.cells
    if any(isinstance(cell, (int, float, datetime)) for cell in cells):
        return True
    return dialect.is_data([cell for cell in cells if isinstance(cell, str)])


def header_missing(first: Record) -> Issue:
    """Ask whether the first record is a header."""
    return Issue(
        level="question",
        code="header_missing",
        message="The first record looks like data. Is it a header?",
        row=first.row,
        line=first.line,
        value=shown(", ".join(map(str, first.cells))),
    )


def better_delimiter(text: str) -> str | None:
    """One that makes more than one column, when the chosen one does not."""
    found = dialect.delimiter_of(text)
    return found if dialect.columns_with(text, found) > 1 else None


def single_column(chosen: str, better: str) -> Issue:
    """The chosen delimiter does not occur, another one does."""
    return Issue(
        level="question",
        code="single_column",
        message=f"With {chosen!r} between the cells there is one column only; with {better!r} "
        "there are more.",
        row=1,
        line=1,
        detail={"delimiter": chosen, "proposed": better},
    )


def duplicate_columns(columns: Sequence[Column]) -> Iterator[Issue]:
    """Headers that a person cannot tell apart. It refuses the file once one of them is mapped."""
    alike: dict[str, list[Column]] = {}
    for column in columns:
        if column.name:
            alike.setdefault(" ".join(column.name.casefold().split()), []).append(column)
    for same in alike.values():
        if len(same) > 1:
            letters = [column.letter for column in same]
            yield Issue(
                level="warn",
                code="duplicate_column",
                message=f"Columns {' and '.join(letters)} have the same header. Rename one of "
                "them, or leave both out.",
                row=1,
                column=same[0].name,
                letter=same[0].letter,
                detail={"columns": [c.index for c in same], "letters": letters},
            )


def choose_sheet(filled: Sequence[Mapping[str, Any]]) -> Issue:
    """Several sheets have rows; hidden ones are offered as such."""
    names = [f"{sheet['name']} (hidden)" if sheet["hidden"] else sheet["name"] for sheet in filled]
    return Issue(
        level="question",
        code="choose_sheet",
        message=f"Several sheets have rows: {', '.join(map(shown, names[:20]))}. Choose one.",
        detail={"sheets": [sheet["name"] for sheet in filled]},
    )


def about_sheet(records: XlsxReader) -> Iterator[Issue]:
    """What about a sheet is easily overlooked."""
    if records.hidden_rows:
        yield Issue(
            level="warn",
            code="hidden_rows",
            message=f"{records.hidden_rows:,} rows are hidden in the sheet; they are imported too.",
            detail={"found": records.hidden_rows},
        )
    if records.merged:
        yield Issue(
            level="warn",
            code="merged_cells",
            message=f"Cells are merged ({', '.join(map(shown, records.merged[:5]))}): the value is "
            "in the first of them, the others are empty.",
            detail={"ranges": records.merged},
        )


def not_mappable(column: Column) -> Issue:
    """A column of Parquet whose type no field takes."""
    return Issue(
        level="warn",
        code="not_mappable",
        message=f"Column {shown(column.name)} holds nested or binary values: it cannot be mapped.",
        column=column.name,
        letter=column.letter,
    )


def no_name(column: Column, record: Record) -> Issue:
    """A column without a header that has values."""
    return Issue(
        level="warn",
        code="empty_header",
        message=f"Column {column.letter} has no header, and there are values below it.",
        row=1,
        column=column.name,
        letter=column.letter,
        detail={"first_row": record.row},
    )
