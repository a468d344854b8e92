"""Who looked where: operators across organizations, and whoever asked for what is not theirs.

And what else is told once and not at each repetition.
"""

from collections.abc import Mapping, Set
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import rfc8785
from django.db import transaction

from audit.event import Outcome, plain
from audit.models import AuditEvent
from audit.record import record
from tenancy.acting import current
from tenancy.models import SITE_ORGANIZATION_ID
from tenancy.scope import current_scope

MAX_PATH_LENGTH = 1000


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
    record_once(
        "access.not_found",
        ("route", route or path[:MAX_PATH_LENGTH]),
        logs=scope_now.organizations if scope_now else frozenset(),
        within=timedelta(minutes=1),
        outcome="denied",
        detail={"path": path[:MAX_PATH_LENGTH], "status": status},
    )


def record_once(
    action: str,
    target: tuple[str, object],
    *,
    logs: Set[int],
    within: timedelta,
    outcome: Outcome = "success",
    detail: Mapping[str, Any] | None = None,
) -> Set[int]:
    """Write an event into the logs of these organizations, unless they tell it already.

    The same is the same action on the same target by the same actor `within` this time, so that
    what is repeated fills no log. Returns the organizations whose logs it was new to.
    """
    new = logs - _told_since(within, logs, action, target)
    for organization_id in sorted(new):
        record(action, target, organization_id=organization_id, outcome=outcome, detail=detail)
    return new


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
        target_id=plain(str(target[1])),
    )
    if detail is not None:
        events = events.filter(event__contains=f'"detail":{rfc8785.dumps(plain(detail)).decode()}')
    return set(events.values_list("organization_id", flat=True))
