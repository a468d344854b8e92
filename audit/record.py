"""Write audit events, in the transaction of what they tell of."""

from collections.abc import Mapping, Sequence
from typing import Any

import rfc8785
from django.db import connection, models

from audit.errors import InvalidEvent
from audit.event import Event, Outcome, canonical, values
from audit.models import AuditEvent
from tenancy.scope import require_for

__all__ = ["Event", "record", "record_many"]

_INSERT = """
    INSERT INTO audit_auditevent (organization_id, event, personal)
    SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[])
"""


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
    texts = [canonical(event) for event in events]
    personal = [values(event.personal) for event in events]
    rows = (
        [event.organization_id for event in events],
        texts,
        [rfc8785.dumps(one).decode() if one else None for one in personal],
    )
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, rows)
