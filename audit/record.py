"""Write audit events, in the transaction of what they tell of."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import rfc8785
from django.db import connection, models

from audit.errors import InvalidEvent
from audit.event import Event, Outcome, canonical, values
from audit.models import AuditEvent
from tenancy.postgresql.flush import Statement
from tenancy.scope import require_for

__all__ = ["Event", "collecting", "record", "record_many", "writing"]

_INSERT = """
    INSERT INTO audit_auditevent (organization_id, event, personal)
    SELECT * FROM unnest(
        %(organization_ids)s::bigint[], %(events)s::text[], %(personal)s::text[]
    )
"""

type Row = tuple[int, str, str | None]
"""Of the log: organization_id, event, personal."""

_collected: ContextVar[list[Row] | None] = ContextVar("audit_collected", default=None)


def record(
    action: str,
    target: models.Model | tuple[str, object],
    *,
    organization_id: int | None = None,
    project_id: int | None = None,
    outcome: Outcome = "success",
    changes: Mapping[str, tuple[Any, Any]] | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write one event, in the caller's transaction and scope.

    target: the row it is about, or (type, id) where there is none. The organization is the row's
    unless given. Who acted, through what and why comes from `tenancy.acting`. Raises
    `InvalidEvent`, and whatever the database raises, so that no change goes unrecorded.
    """
    if isinstance(target, models.Model):
        kind, key = str(target._meta.model_name), str(target.pk)
        own = target.pk if kind == "organization" else getattr(target, "organization_id", None)
        organization_id = own if organization_id is None else organization_id
        project_id = project_id or getattr(target, "project_id", None)
    else:
        kind, key = target[0], str(target[1])
    if organization_id is None:
        raise InvalidEvent(f"{action} on {kind} {key} names no organization; pass organization_id")
    record_many(
        [
            Event(
                organization_id=organization_id,
                action=action,
                target_type=kind,
                target_id=key,
                outcome=outcome,
                project_id=project_id,
                changes=changes or {},
                detail=detail or {},
            )
        ]
    )


def record_many(events: Sequence[Event]) -> None:
    """Write events in one statement, in the caller's transaction. Raises as `record` does."""
    if not events:
        return
    require_for({AuditEvent._meta.db_table}, in_transaction=connection.in_atomic_block)
    rows = [_row(event) for event in events]
    collected = _collected.get()
    # What is written inside a savepoint may still be undone without the rest.
    if collected is not None and not any(connection.savepoint_ids):
        collected += rows
        return
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, _columns(rows))


@contextmanager
def collecting() -> Iterator[list[Row]]:
    """Keep back what is recorded in this block, for `writing` at the end of the transaction."""
    rows: list[Row] = []
    token = _collected.set(rows)
    try:
        yield rows
    finally:
        _collected.reset(token)


def writing(rows: Sequence[Row]) -> list[Statement]:
    """The statement that writes what was collected; none for nothing."""
    if not rows:
        return []
    return [Statement(name="audit.record", sql=_INSERT, parameters=_columns(rows))]


def _row(event: Event) -> Row:
    personal = values(event.personal)
    text = canonical(event)
    return event.organization_id, text, rfc8785.dumps(personal).decode() if personal else None


def _columns(rows: Sequence[Row]) -> dict[str, Any]:
    organization_ids, events, personal = zip(*rows, strict=True)
    return {
        "organization_ids": list(organization_ids),
        "events": list(events),
        "personal": list(personal),
    }
