"""How the operators' commands print: for eyes, for pipes, and as JSON.

A line is one row, however long; only a terminal, which would wrap it, gets it cut at its width.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import OutputWrapper

NOTHING = "–"
Row = Mapping[str, Any]


def as_json(out: OutputWrapper, value: object) -> None:
    """One JSON value on one line; moments in ISO 8601, ids as text."""
    out.write(json.dumps(value, default=_jsonable))


def as_table(out: OutputWrapper, rows: Sequence[Row], columns: Mapping[str, str]) -> None:
    """One line a row, under the titles that `columns` gives to the keys of the rows."""
    lines = [list(columns.values())]
    lines += [[_on_one_line(row[key]) for key in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        padded = (word.ljust(width) for word, width in zip(line, widths, strict=True))
        out.write(_fitting(out, "  ".join(padded).rstrip()))


def as_fields(out: OutputWrapper, row: Row) -> None:
    """A line a field; what has several lines goes on under itself, whole."""
    width = max(map(len, row))
    for name, value in row.items():
        first, *more = text_of(value).splitlines() or [NOTHING]
        out.write(f"{name.replace('_', ' ').ljust(width)}  {first}")
        for line in more:
            out.write(f"{'':{width}}  {line}")


def text_of(value: object) -> str:
    """A value for people: moments to the second in UTC, a dash for nothing."""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"
    return NOTHING if value is None or value == "" else str(value)


def _on_one_line(value: object) -> str:
    return " ".join(text_of(value).split())


def _fitting(out: OutputWrapper, line: str) -> str:
    if not out.isatty():
        return line
    width = shutil.get_terminal_size().columns
    return line if len(line) <= width else line[: max(width - 1, 1)] + "…"


def _jsonable(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
