"""Write audit events, in the transaction of what they tell of."""

import math
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import rfc8785
from django.db import connection, models, transaction

from audit.errors import InvalidEvent
from audit.models import AuditEvent
from tenancy.acting import current
from tenancy.changes import Change
from tenancy.entities import Recorded
from tenancy.models import SITE_ORGANIZATION_ID, DomainEvent
from tenancy.scope import current_scope, require_for

Outcome = Literal["success", "denied", "failed"]

SCHEMA_VERSION = 1
MAX_EVENT_BYTES = 64 * 1024
MAX_VALUE_LENGTH = 4096
MAX_PATH_LENGTH = 1000
_ACTION = re.compile(r"[a-z_]+(\.[a-z_]+)+")
_INSERT = """
    INSERT INTO audit_auditevent (organization_id, event, personal)
    SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[])
"""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event on its way into the log.

    action: dotted, at most 32 ASCII characters, as `mission.changed`.
    target_type, target_id: what it was done to.
    changes: field → (before, after); personal: the same for fields that are about a person.
    detail: other facts that make the event plain, such as a reason.
    """

    organization_id: int
    action: str
    target_type: str
    target_id: str
    outcome: Outcome = "success"
    project_id: int | None = None
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    personal: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    detail: Mapping[str, Any] = field(default_factory=dict)


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
    texts = [_canonical(event) for event in events]
    personal = [_values(event.personal) for event in events]
    rows = (
        [event.organization_id for event in events],
        texts,
        [rfc8785.dumps(one).decode() if one else None for one in personal],
    )
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, rows)


def record_changes(changes: Sequence[Change], events: Sequence[DomainEvent]) -> None:
    """Listener of `tenancy.changes`: every write of an entity is an event."""
    record_many([_of_change(change) for change in changes])


def record_operator_scope(
    reason: str, organization_id: int | None, quiet_for: timedelta = timedelta(0)
) -> None:
    """Reporter of `tenancy.scope`: an operator looked across organizations, or into one.

    Over one organization the event is in its own log too. With `quiet_for`, not where the same
    actor gave the same reason within that time.
    """
    target = ("organization", "*" if organization_id is None else organization_id)
    logs = {SITE_ORGANIZATION_ID} | ({organization_id} if organization_id is not None else set())
    detail = {"reason": reason}
    # Committed at once when the scope opens outside a transaction: what was looked at stays looked
    # at, even if the page fails.
    with transaction.atomic():
        told = _told_since(quiet_for, logs, "operator.scope_opened", target, detail)
        for log in sorted(logs - told):
            record("operator.scope_opened", target, organization_id=log, detail=detail)


def record_not_found(path: str, *, status: int, route: str = "") -> None:
    """A signed-in person asked for something that is not there, or not theirs; which, nobody says.

    Recorded in each organization of the person's scope, once per actor, route (the pattern that the
    path matched) and minute, so that a crawler fills no log. Operators see everything and are
    recorded by their scopes.
    """
    scope_now = current_scope()
    logs = scope_now.organizations if scope_now else frozenset()
    target = ("route", route or path[:MAX_PATH_LENGTH])
    told = _told_since(timedelta(minutes=1), logs, "access.not_found", target)
    for organization_id in sorted(logs - told):
        record(
            "access.not_found",
            target,
            organization_id=organization_id,
            outcome="denied",
            detail={"path": path[:MAX_PATH_LENGTH], "status": status},
        )


def _told_since(
    within: timedelta,
    organizations: Set[int],
    action: str,
    target: tuple[str, object],
    detail: Mapping[str, Any] | None = None,
) -> set[int]:
    """Those of these organizations whose logs say this of the current actor already."""
    if not within:
        return set()
    # Ids begin with their time, so the index by actor answers, however long the log.
    first = UUID(int=int((datetime.now(UTC) - within).timestamp() * 1000) << 80)
    events = AuditEvent.objects.filter(
        organization_id__in=organizations,
        actor=str(current().actor),
        id__gte=first,
        action=action,
        target_type=target[0],
        target_id=_plain(str(target[1])),
    )
    if detail is not None:
        events = events.filter(event__contains=f'"detail":{rfc8785.dumps(_plain(detail)).decode()}')
    return set(events.values_list("organization_id", flat=True))


def _of_change(change: Change) -> Event:
    entity = change.entity
    names = change.before.keys() | change.after.keys()
    # A secret that changed: that it did is news, its values are not.
    untold = {"also_changed": list(change.untold)} if change.untold else {}
    both = {name: (change.before.get(name), change.after.get(name)) for name in sorted(names)}
    return Event(
        organization_id=entity.organization_id,
        action=f"{change.entity_type}.{change.kind}",
        target_type=change.entity_type,
        target_id=str(entity.pk),
        project_id=_project_of(entity),
        changes={name: pair for name, pair in both.items() if name not in entity.personal},
        personal={name: pair for name, pair in both.items() if name in entity.personal},
        detail=untold,
    )


def _project_of(entity: Recorded) -> int | None:
    if entity._meta.model_name == "project":
        return int(entity.pk)
    owner = getattr(entity, "mission", entity)
    project_id: int | None = getattr(owner, "project_id", None)
    return project_id


def _canonical(event: Event) -> str:
    if len(event.action) > 32 or not _ACTION.fullmatch(event.action):
        raise InvalidEvent(f"{event.action!r}: an action is dotted ASCII of at most 32 characters")
    acting = current()
    detail = {"reason": acting.reason} if acting.reason else {}
    content: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "action": event.action,
        "outcome": event.outcome,
        "actor": str(acting.actor),
        "source": acting.source,
        "target_type": _plain(event.target_type),
        "target_id": _plain(event.target_id),
        "project_id": event.project_id,
        "correlation_id": acting.correlation_id,
        "job_id": acting.job_id,
        "occurred_at": datetime.now(UTC).isoformat(timespec="microseconds"),
        "changes": _values(event.changes),
        "detail": {name: _plain(value) for name, value in (detail | {**event.detail}).items()},
    }
    text = rfc8785.dumps(content)
    if len(text) > MAX_EVENT_BYTES:
        raise InvalidEvent(
            f"{event.action} on {event.target_type} {event.target_id} is {len(text)} bytes long; "
            f"the log takes {MAX_EVENT_BYTES}. Record fewer fields, or split it."
        )
    return text.decode()


def _values(changes: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
    return {
        name: {"before": _plain(before), "after": _plain(after)}
        for name, (before, after) in changes.items()
    }


def _plain(value: Any) -> Any:
    """What canonical JSON can hold; a longer text is kept by its beginning and its length."""
    match value:
        case None | bool():
            return value
        case int():
            # Canonical JSON has the numbers of JavaScript.
            return value if abs(value) < 2**53 else str(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case str():
            return _text(value)
        case datetime() | date():
            return value.isoformat()
        case list() | tuple():
            return [_plain(one) for one in value]
        case Mapping():
            return {_text(str(name)): _plain(one) for name, one in value.items()}
        case _:
            return _text(str(value))


def _text(value: str) -> str:
    # PostgreSQL's text holds no NUL, and canonical JSON no lone surrogate.
    text = value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    if len(text) > MAX_VALUE_LENGTH:
        return f"{text[:MAX_VALUE_LENGTH]}… ({len(text)} characters)"
    return text
