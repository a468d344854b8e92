"""Lists, newest first, a page at a time.

A cursor is the id of the last item that was seen, in base64url: opaque to clients, stable while
rows are added, and one index probe however deep the page. It is validated and not signed: whatever
it says, the list behind it shows rows of the same organization only.
"""

import base64
import uuid
from dataclasses import dataclass
from typing import Annotated, Any

from django.db.models import Model, QuerySet, UUIDField
from django.http import HttpRequest
from ninja import Schema
from pydantic import Field

from tenancy.api.fields import MAX_ID, UNCHANGED
from tenancy.api.problems import not_found

MAX_LIMIT = 200
_WIDTH_OF_NUMBER, _WIDTH_OF_UUID = 8, 16

Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT, description="Items of one page.")]


class PageQuery(Schema):
    """Where in a list, whose ids are numbers."""

    limit: Limit = 50
    cursor: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{11}$")] = UNCHANGED


class UuidPageQuery(Schema):
    """Where in a list, whose ids are UUIDs."""

    limit: Limit = 50
    cursor: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{22}$")] = UNCHANGED


class Page[Item](Schema):
    """Some items of a list, and the address of those that follow."""

    items: list[Item]
    next: str | None = Field(description="The next page, relative to this host; null at the end.")


@dataclass(frozen=True, kw_only=True)
class Items:
    """A page before it becomes JSON."""

    items: list[Any]
    next: str | None


def page(
    rows: QuerySet[Any],
    where: PageQuery | UuidPageQuery,
    request: HttpRequest,
    *,
    oldest_first: bool = False,
) -> Items:
    """The page of `rows` that `where` names, by descending primary key."""
    if where.cursor:
        beyond = "pk__gt" if oldest_first else "pk__lt"
        rows = rows.filter(**{beyond: _read(where.cursor, rows.model)})
    found = list(rows.order_by("pk" if oldest_first else "-pk")[: where.limit + 1])
    more, found = len(found) > where.limit, found[: where.limit]
    return Items(items=found, next=_address(request, found[-1].pk) if more else None)


def find[M: Model](rows: QuerySet[M], key: object) -> M:
    """The row with this primary key. Raises the one 404 where there is none in the scope."""
    row = rows.filter(pk=key).first()
    if row is None:
        raise not_found()
    return row


def _address(request: HttpRequest, last: int | uuid.UUID) -> str:
    query = request.GET.copy()
    query["cursor"] = _write(last)
    return f"{request.path}?{query.urlencode()}"


def _write(key: int | uuid.UUID) -> str:
    raw = key.bytes if isinstance(key, uuid.UUID) else key.to_bytes(_WIDTH_OF_NUMBER)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _read(cursor: str, model: type[Model]) -> int | uuid.UUID:
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    if isinstance(model._meta.pk, UUIDField):
        return uuid.UUID(bytes=raw[:_WIDTH_OF_UUID])
    # Whoever makes up a place beyond all ids stands before the first one.
    return min(int.from_bytes(raw[:_WIDTH_OF_NUMBER]), MAX_ID)
