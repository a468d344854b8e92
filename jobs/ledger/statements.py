"""Run the statements of `sql/`, one per file, each named as the function that runs it."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db import connection

from tenancy.postgresql.flush import Statement

_FOLDER = Path(__file__).parent / "sql"


def run(name: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows that the statement returns, in the caller's transaction and scope."""
    with connection.cursor() as cursor:
        cursor.execute(_text(name), parameters)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def statement(name: str, parameters: Mapping[str, Any]) -> Statement:
    """The same, to go in one trip with others: `tenancy.postgresql.flush`."""
    return Statement(name=f"jobs.{name}", sql=_text(name), parameters=parameters)


@functools.cache
def _text(name: str) -> str:
    return (_FOLDER / f"{name}.sql").read_text()
