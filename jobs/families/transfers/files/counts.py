"""Records of CSV with another number of cells than there are columns. Nothing is filled in."""

import re
from typing import Any

from jobs.families.transfers.files.issues import Issue, shown
from jobs.families.transfers.files.records import Record

_SPACE_BEFORE_QUOTE = re.compile(r"\s+\"")
_NAMES = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}


def spaced(cells: list[str]) -> bool:
    """Whether a quote that was meant to enclose a cell is part of one, for a space before it."""
    return any(_SPACE_BEFORE_QUOTE.match(cell) for cell in cells)


def extra_empty(record: Record, expected: int) -> Issue:
    """A record with more cells, all of them empty."""
    found = len(record.cells)
    return Issue(
        level="warn",
        code="extra_empty_cells",
        message=f"This record ends with {found - expected} more empty cells than there are "
        "columns; they are left out.",
        row=record.row,
        line=record.line,
        detail={"found": found, "expected": expected},
    )


def cell_count(record: Record, expected: int, delimiter: str) -> Issue:
    """A record with more cells or fewer."""
    found, surplus = len(record.cells), record.cells[expected:]
    detail: dict[str, Any] = {"found": found, "expected": expected}
    message = f"This record has {found} cells, and there are {expected} columns."
    if spaced(record.cells):
        detail["hint"] = "space_before_quote"
        message += " A space before a quote makes the quote part of the text: take it out."
    elif surplus:
        message += f" Quote a cell that contains {_NAMES[delimiter]}."
    else:
        message += " Nothing is filled in: write each cell, empty ones too."
    return Issue(
        level="row",
        code="cell_count",
        message=message,
        row=record.row,
        line=record.line,
        value=shown(delimiter.join(surplus)) if surplus else None,
        detail=detail,
    )
