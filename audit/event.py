"""An audit event: its facts, and the one text that is kept of them (RFC 8785)."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

import rfc8785

from audit.errors import InvalidEvent
from tenancy import clock
from tenancy.acting import current

Outcome = Literal["success", "denied", "failed"]

SCHEMA_VERSION = 1
MAX_EVENT_BYTES = 64 * 1024
MAX_VALUE_LENGTH = 4096
_ACTION = re.compile(r"[a-z_]+(\.[a-z_]+)+")


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


def canonical(event: Event) -> str:
    """The text of an event that happens now, by whoever acts. Raises `InvalidEvent`."""
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
        "target_type": plain(event.target_type),
        "target_id": plain(event.target_id),
        "project_id": event.project_id,
        "correlation_id": acting.correlation_id,
        "job_id": acting.job_id,
        "occurred_at": clock.now().isoformat(timespec="microseconds"),
        "changes": values(event.changes),
        "detail": {name: plain(value) for name, value in (detail | {**event.detail}).items()},
    }
    text = rfc8785.dumps(content)
    if len(text) > MAX_EVENT_BYTES:
        raise InvalidEvent(
            f"{event.action} on {event.target_type} {event.target_id} is {len(text)} bytes long; "
            f"the log takes {MAX_EVENT_BYTES}. Record fewer fields, or split it."
        )
    return text.decode()


def values(changes: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
    """Before and after of each field, as they are told."""
    return {
        name: {"before": plain(before), "after": plain(after)}
        for name, (before, after) in changes.items()
    }


def plain(value: Any) -> Any:
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
            return [plain(one) for one in value]
        case Mapping():
            return {_text(str(name)): plain(one) for name, one in value.items()}
        case _:
            return _text(str(value))


def _text(value: str) -> str:
    # PostgreSQL's text holds no NUL, and canonical JSON no lone surrogate.
    text = value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    if len(text) > MAX_VALUE_LENGTH:
        return f"{text[:MAX_VALUE_LENGTH]}… ({len(text)} characters)"
    return text
