"""Run the statements of `sql/`, one per file, each named as what it does."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db import connection

_FOLDER = Path(__file__).parent / "sql"


def run(name: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """The rows that the statement returns, in the caller's transaction and scope."""
    with connection.cursor() as cursor:
        cursor.execute(text(name), parameters or {})
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()] if names else []


@functools.cache
def text(name: str) -> str:
    """The statement of this name."""
    return (_FOLDER / f"{name}.sql").read_text()
