"""Pause, drain and resume an organization's queues, and set what they may take; at run time.

Each is an operator's act: permitted (`queue.manage`), with a reason, in the audit log with before
and after. It is written to PostgreSQL and copied to Redis right after the commit, so it holds from
the next fetch on; no worker is restarted. While Redis is away the scheduler copies it later.

`group` names one queue group; without it, all of them are meant. Every function returns the queues
that it changed, and none of them where everything was so already.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from audit.record import Event, record_many
from jobs.errors import ControlRefused
from jobs.job_types import GROUPS
from jobs.ledger import control_copy
from jobs.ledger.controls import LEAST_WEIGHT, MOST_WEIGHT, QueueControl
from tenancy import access, clock
from tenancy.access import Permission
from tenancy.acting import current
from tenancy.scope import engine_scope, scope

LEAST_RATE = 0.001
MOST = 1_000_000
"""Of anything that is counted here; beyond it a number is a slip, or no limit at all."""


def pause(
    organization_id: int, group: str | None = None, *, reason: str, until: datetime | None = None
) -> list[QueueControl]:
    """Nothing of it starts any more; what runs goes on, and new jobs stand in line.

    until: when it resumes by itself, within a second of the scheduler's clock.
    """
    if until is not None and (until.tzinfo is None or until <= clock.now()):
        raise ControlRefused(
            f"A pause cannot end at {until}: give a moment in the future, with its time zone."
        )
    values = {"is_paused": True, "paused_until": until}
    return _asked(organization_id, group, "paused", reason, values)


def drain(organization_id: int, group: str | None = None, *, reason: str) -> list[QueueControl]:
    """What waits runs, and new jobs are held in the ledger until it is resumed; none is lost.

    A paused queue stays paused: then nothing runs and nothing comes.
    """
    return _asked(organization_id, group, "drained", reason, {"is_draining": True})


def resume(organization_id: int, group: str | None = None, *, reason: str) -> list[QueueControl]:
    """It runs and takes new jobs again, whether it was paused, draining or both."""
    return _asked(organization_id, group, "resumed", reason, RESUMED)


def limit(
    organization_id: int, group: str | None = None, *, concurrency: int | None, reason: str
) -> list[QueueControl]:
    """At most so many of its jobs are with workers at once; None: as many as there are workers."""
    _check_count("The limit", concurrency, instead="pause the queue to let none run")
    return _asked(organization_id, group, "limited", reason, {"concurrency_limit": concurrency})


def weight(
    organization_id: int, group: str | None = None, *, share: float, reason: str
) -> list[QueueControl]:
    """Its share of worker time when others wait too: 2 gets twice the seconds of one with 1."""
    if not LEAST_WEIGHT <= share <= MOST_WEIGHT:  # a NaN is not
        raise ControlRefused(
            f"A weight of {share} cannot be given: choose one from {LEAST_WEIGHT} to "
            f"{MOST_WEIGHT:g}; 1 is what the others have."
        )
    return _asked(organization_id, group, "weighted", reason, {"weight": float(share)})


def rate(
    organization_id: int,
    group: str | None = None,
    *,
    per_second: float | None,
    burst: int | None = None,
    reason: str,
) -> list[QueueControl]:
    """At most so many of its jobs start a second; None: as fast as workers are.

    burst: how many may start at once after a rest; without it, what one second allows.
    """
    if per_second is None and burst is not None:
        raise ControlRefused("A burst without a rate limits nothing: give the rate too.")
    if per_second is not None and not LEAST_RATE <= per_second <= MOST:  # a NaN is not
        raise ControlRefused(
            f"A rate of {per_second} a second cannot be kept: choose one from {LEAST_RATE} (0.1 is "
            f"six a minute) to {MOST:,}; pause the queue to let none start."
        )
    _check_count("The burst", burst, instead="leave it out for what one second allows")
    values = {"rate_per_second": per_second, "burst": burst}
    return _asked(organization_id, group, "rated", reason, values)


def capacity(
    organization_id: int, group: str | None = None, *, waiting: int | None, reason: str
) -> list[QueueControl]:
    """At most so many of its jobs wait in line, give or take what is on its way; None: any number.

    Beyond it, a job type refuses (`QueueFull`) or holds in the ledger, as it declares.
    """
    _check_count("The capacity", waiting, instead="drain the queue to let none in")
    return _asked(organization_id, group, "bounded", reason, {"capacity": waiting})


def end_pauses() -> int:
    """Resume the queues whose pause was to end by now; returns how many. For the scheduler."""
    with engine_scope(), transaction.atomic():
        over = QueueControl.objects.filter(paused_until__lte=Now())
        queues = list(over.values_list("organization_id", "queue_group")[: control_copy.BATCH])
    for organization_id, group in queues:
        with scope(organization_id), transaction.atomic():
            # Whoever paused it anew, or for longer, in the meantime is not overruled.
            still = QueueControl.objects.filter(
                organization_id=organization_id, queue_group=group, paused_until__lte=Now()
            )
            if still.select_for_update().exists():
                _change(organization_id, [group], "resumed", "its time was over", UNPAUSED)
    return len(queues)


UNPAUSED = {"is_paused": False, "paused_until": None}
RESUMED = UNPAUSED | {"is_draining": False}
_STATE = RESUMED.keys()


def _asked(
    organization_id: int, group: str | None, deed: str, reason: str, values: dict[str, Any]
) -> list[QueueControl]:
    """What a person asks for: checked, then done."""
    if group is not None and group not in GROUPS:
        raise ControlRefused(f"No queue group is called {group!r}; there are {', '.join(GROUPS)}.")
    if not reason.strip():
        raise ControlRefused("Say why: the reason stands in the audit log beside what was done.")
    access.require(current().actor, Permission.QUEUE_MANAGE, organization_id)
    return _change(organization_id, GROUPS if group is None else [group], deed, reason, values)


def _change(
    organization_id: int, groups: Sequence[str], deed: str, reason: str, values: dict[str, Any]
) -> list[QueueControl]:
    """Write, audit, and copy to Redis once it is committed."""
    with transaction.atomic():
        changed, events = [], []
        for row in _rows(organization_id, groups, values):
            before = {name: getattr(row, name) for name in values}
            if before == values:
                continue
            _write(row, reason, values)
            changed.append(row)
            events.append(_event(row, deed, reason, before, values))
        record_many(events)
        if changed:
            names = [row.queue_group for row in changed]
            transaction.on_commit(partial(control_copy.push, organization_id, names), robust=True)
    return changed


def _rows(
    organization_id: int, groups: Sequence[str], values: dict[str, Any]
) -> list[QueueControl]:
    """The rows of these queues, locked; made for those that have none and need one."""
    news = [QueueControl(organization_id=organization_id, queue_group=one) for one in groups]
    if any(getattr(news[0], name) != value for name, value in values.items()):
        QueueControl.objects.bulk_create(news, ignore_conflicts=True)
    mine = QueueControl.objects.filter(organization_id=organization_id, queue_group__in=groups)
    return list(mine.select_for_update(of=("self",)).order_by("queue_group"))


def _write(row: QueueControl, reason: str, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    if _STATE & values.keys():
        row.reason, row.changed_by = reason, str(current().actor)
        row.changed_at = clock.now()
    row.save()


def _event(
    row: QueueControl, deed: str, reason: str, before: dict[str, Any], after: dict[str, Any]
) -> Event:
    return Event(
        organization_id=row.organization_id,
        action=f"queue.{deed}",
        target_type="organization",
        target_id=str(row.organization_id),
        changes={
            name: (before[name], after[name]) for name in after if before[name] != after[name]
        },
        detail={"reason": reason, "queue_group": row.queue_group},
    )


def _check_count(what: str, number: int | None, *, instead: str) -> None:
    if number is not None and not 1 <= number <= MOST:
        raise ControlRefused(f"{what} cannot be {number}: choose 1 to {MOST:,}, or {instead}.")
