"""What a person is shown of a file while deciding how to read it."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

from jobs.families.transfers.files import dialect
from jobs.families.transfers.files.encoding import Start, Tally, likeliest, tally
from jobs.families.transfers.files.issues import shown
from jobs.families.transfers.files.records import Cell, CellError

CELLS = 6
"""Of each proposed encoding."""


def text_of(cell: Cell) -> str:
    """A cell for a table of examples."""
    if cell is None:
        return ""
    if isinstance(cell, CellError):
        return cell.text
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, (datetime, date)):
        return cell.isoformat(" ") if isinstance(cell, datetime) else cell.isoformat()
    return shown(cell)


def encodings(path: Path, start: Start) -> tuple[Tally, list[dict[str, Any]]]:
    """The likeliest encodings, each with cells of the file that look different in them."""
    found, right = Tally(), list[bytes]()
    with path.open("rb") as file:
        if start.zeros:
            wrong = [file.read(4096)]
        else:
            found, wrong, right = tally(file)
    return found, [
        {"encoding": encoding, "sample": _cells([*wrong[:CELLS], *right[:CELLS]], encoding)}
        for encoding in likeliest(wrong, start.zeros)
    ]


def _cells(lines: list[bytes], encoding: str) -> list[str]:
    """Cells with accents, first of lines that are wrong as UTF-8, then of the others."""
    found: list[str] = []
    for line in lines:
        text = line.decode(encoding, "replace").replace("\r", "\n")
        delimiter = dialect.delimiter_of(text)
        cells = [cell for piece in text.split("\n") for cell in piece.split(delimiter)]
        wanted = [cell for cell in cells if not cell.isascii()] or cells[:CELLS]
        found += [shown(cell.strip().strip('"')) for cell in wanted[:CELLS]]
    return list(dict.fromkeys(found))[: 2 * CELLS]
