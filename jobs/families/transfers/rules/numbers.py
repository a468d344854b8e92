"""Numbers where text belongs: a spreadsheet makes one of every key that has digits only."""

import math
from datetime import date
from decimal import Decimal

from jobs.families.transfers.files.records import Cell
from jobs.families.transfers.rules.findings import Finding

MOST_DIGITS = 15
"""Of a number in a cell of a workbook: it holds no more, whatever was typed."""
MOST_BITS, LARGEST_EXPONENT = 1_000, 100
"""Of exact numbers; `1e999999999` is short to write and long to print."""


def digits(cell: Cell, found: list[Finding]) -> str | None:
    """The digits of a number, never of one that was rounded; any other value is a finding."""
    match cell:
        case bool():
            pass
        case int():
            return _precise(_of_integer(cell), found)
        case float() if math.isfinite(cell):
            return _precise(_of_float(cell), found)
        case Decimal() if cell.is_finite():
            return _precise(_of_decimal(cell), found)
    found.append(_no_text(cell))
    return None


def _precise(text: str | None, found: list[Finding]) -> str | None:
    if text is None:
        found.append(_IMPRECISE)
    return text


def _of_integer(cell: int) -> str | None:
    return str(cell) if cell.bit_length() < MOST_BITS else None


def _of_float(cell: float) -> str | None:
    if cell.is_integer():
        return str(int(cell)) if abs(cell) < 10**MOST_DIGITS else None
    text = format(cell, f".{MOST_DIGITS}g")
    return None if "e" in text else text


def _of_decimal(cell: Decimal) -> str | None:
    _, number, exponent = cell.as_tuple()
    if not isinstance(exponent, int) or abs(exponent) + len(number) > LARGEST_EXPONENT:
        return None
    text = format(cell, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _no_text(cell: Cell) -> Finding:
    what = next((name for types, name in _NAMES if isinstance(cell, types)), "something else")
    return Finding(
        "type",
        f"Text is expected here, and the file holds {what}. Format the cell as text, or in JSON "
        "put the value in quotes.",
        detail={"found": what},
    )


_NAMES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "true or false"),
    ((int, float, Decimal), "a number that is none"),
    (date, "a date"),
    (dict, "an object"),
    (list, "a list"),
)

_IMPRECISE = Finding(
    "number_precision",
    f"The file holds this as a number, and of more than {MOST_DIGITS} digits the last are lost. "
    "Format the column as text and enter the value again.",
)
