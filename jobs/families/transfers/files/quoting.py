"""What went wrong with the quotes of a record that the parser gave up."""

import re

from jobs.families.transfers.files.issues import Issue, Level, shown


def malformed(raw: str, delimiter: str, *, row: int, line: int, level: Level = "row") -> Issue:
    """A record in which something follows a closing quote."""
    message = "After the quote that closes a cell, something else follows than the next cell."
    detail = {}
    if re.search(r"\\\"", raw):
        detail["hint"] = "double_the_quote"
        message += ' Do not write \\" for a quote inside a cell: double the quote ("").'
    else:
        message += ' A quote that is part of the text is doubled ("").'
    return Issue(
        level=level,
        code="quote_malformed",
        message=message,
        row=row,
        line=line,
        value=shown(raw),
        detail=detail,
    )


def open_cell(text: str, delimiter: str) -> int | None:
    """The place of the cell whose quote is still open at the end of this text, from 0; or None.

    The text begins where a record begins; records that end within it are passed over.
    """
    cell, place = 0, 0
    end_of_cell = re.compile(f"[{re.escape(delimiter)}\r\n]")
    while place < len(text):
        if text[place] == '"':
            place = _after_quoted(text, place + 1)
            if place < 0:
                return cell
        found = end_of_cell.search(text, place)
        if found is None:
            return None
        cell = cell + 1 if found.group() == delimiter else 0
        place = found.end()
    return None


def _after_quoted(text: str, place: int) -> int:
    """Behind the quote that closes; -1 when none does."""
    while True:
        place = text.find('"', place)
        if place < 0:
            return -1
        if text.startswith('""', place):
            place += 2
            continue
        return place + 1
