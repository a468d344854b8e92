"""The types that request bodies are made of: strict, so that a typo is refused and not ignored.

Each rule that JSON Schema can express is expressed, so that the served OpenAPI document tells a
client everything it must keep to.
"""

import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any

from ninja import Path, Schema
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

MAX_ID = 2**63 - 1

Id = Annotated[int, Field(ge=1, le=MAX_ID)]
"""An id in a query."""
PathId = Path[Id]
"""An id in a path; one that can be nobody's is a 404."""

UNCHANGED: Any = Field(default_factory=lambda: None)
"""The default of a field that may be left out and must not be null.

A factory, because its result does not appear in the schema; what was left out is not in
`model_fields_set` and so never reaches the entity.
"""

_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", flags=re.ASCII
)


class Body(BaseModel):
    """A request body: nothing in it that is not declared."""

    model_config = ConfigDict(extra="forbid")


class Out(Schema):
    """A response body, read from the attributes of an entity."""


def _moment(value: Any) -> datetime | None:
    # pydantic alone would take numbers and digits as seconds since 1970.
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise ValueError("expected a time with its offset (RFC 3339), as 2026-03-01T09:00:00Z")
    # PostgreSQL and Python know no leap second.
    text = re.sub(r":60(?=[.Zz+-])", ":59", value.upper())
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("expected a time between the years 1 and 9999") from error


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


# The validator last: only then do the bounds reach the document as `minimum` and `maximum`.
Reference = Annotated[int, Field(ge=1, le=MAX_ID, strict=True), BeforeValidator(_whole)]
"""An id in a body: a JSON number, not a text; 7.0 is the same number as 7 (RFC 8259)."""
Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
"""A point in time, RFC 3339 with its offset; kept as UTC."""


def _nfc(value: Any) -> Any:
    return unicodedata.normalize("NFC", value) if isinstance(value, str) else value


Composed = BeforeValidator(_nfc)
"""Text is kept as NFC, however it was typed: what looks alike is the same, and a file that brings
it again changes nothing."""
Line = Annotated[
    str, Field(min_length=1, pattern=r"^[^\x00-\x20\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"), Composed
]
"""One line of text for a name or title: not empty, no control characters."""
Word = Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$"), Composed]
"""One line that may be empty."""
Prose = Annotated[
    str,
    Field(max_length=20_000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"),
    Composed,
]
"""Text of several lines, possibly empty: tabs and ends of lines, no other control characters."""
Email = Annotated[
    str,
    Field(
        max_length=254,
        pattern=(
            r"^[-!#$%&'*+/=?^_`{}|~0-9A-Za-z]+(\.[-!#$%&'*+/=?^_`{}|~0-9A-Za-z]+)*"
            r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$"
        ),
    ),
]
"""A mail address; an international domain in its ASCII form."""
