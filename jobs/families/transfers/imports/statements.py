"""Run the statements of `sql/`, one per file, each named as what it does.

They are the second door to timeline entries, beside `tenancy.changes`: for many at once, set-based,
in the organization's scope and under its row security. No domain event and no audit event for each
entry: a chunk is one, with the digest of all that it changed, and the journal has the rest.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.db import connection

from jobs.families.transfers.rules.formula import escape_sql

_FOLDER = Path(__file__).parent / "sql"
_DIGEST_OF = re.compile(r"digest_of\((\w+|\(\w+\))\)")
_SAFE = re.compile(r"\bsafe\(([\w.]+)\)")  # no spreadsheet computes it
_DIGESTED = (
    *("mission_id", "external_id", "kind", "title"),
    *("starts_at", "ends_at", "location", "notes"),
)


def run(name: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """The rows that the statement returns, in the caller's transaction and scope."""
    with connection.cursor() as cursor:
        cursor.execute(_text(name), parameters or {})
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()] if names else []


def lines(name: str, parameters: Mapping[str, Any]) -> Iterator[bytes]:
    """As `run`, for more rows than anybody wants in memory: each as a line of CSV."""
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.copy(f"COPY ({_text(name)}) TO STDOUT (FORMAT csv)", parameters) as rows,
    ):
        yield from map(bytes, rows)


def digest_of(row: str) -> str:
    """SQL: 16 bytes that stand for all values of an entry; the same before and after a restart.

    The text of a row is unambiguous; of its moments, since each of our sessions is in UTC.
    """
    columns = ", ".join(f"{row}.{name}" for name in _DIGESTED)
    return f"substr(sha256(convert_to(ROW({columns})::text, 'UTF8')), 1, 16)"


@functools.cache
def _text(name: str) -> str:
    text = (_FOLDER / f"{name}.sql").read_text()
    code = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    code = _DIGEST_OF.sub(lambda found: digest_of(found[1]), code)
    return _SAFE.sub(lambda found: escape_sql(found[1]), code)
