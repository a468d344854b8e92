"""Arrays of PostgreSQL, written as text: psycopg's own way takes a microsecond for each element.

A column of which nothing is known for any row is an empty array: `unnest` fills it with nulls.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

_NUL = "\0"


def written(value: Any) -> Any:
    """A list of one of the types below as text; anything else as it is."""
    if type(value) is not list or not value:
        return value
    kinds = {type(one) for one in value}
    if kinds <= {int, float, type(None)}:
        return numbers(value)
    if kinds == {str}:
        return texts(value)
    if kinds == {UUID}:
        return "{" + ",".join(map(str, value)) + "}"
    return value


def numbers(values: Sequence[float | None]) -> str:
    """As bigint[], or float8[]."""
    return _array(None if value is None else str(value) for value in values)


def moments(values: Sequence[datetime | None]) -> str:
    """As timestamptz[]."""
    return _array(None if value is None else f'"{value.isoformat()}"' for value in values)


def binary(values: Iterable[bytes]) -> str:
    """As bytea[]."""
    return "{" + ",".join([f'"\\\\x{value.hex()}"' for value in values]) + "}"


def texts(values: Sequence[str]) -> str:
    """As text[]. Raises ValueError for a NUL, which PostgreSQL keeps in no text."""
    # All of them are escaped at once; NUL stands between two, since none can hold it.
    whole = _NUL.join(values)
    if whole.count(_NUL) != len(values) - 1:
        raise ValueError(
            "A text with a NUL character (\\0) cannot be kept by PostgreSQL: remove it"
        )
    escaped = whole.replace("\\", "\\\\").replace('"', '\\"').replace(_NUL, '","')
    return '{"' + escaped + '"}'


def _array(values: Iterable[str | None]) -> str:
    written = ["NULL" if value is None else value for value in values]
    is_empty = all(value == "NULL" for value in written)
    return "{}" if is_empty else "{" + ",".join(written) + "}"
