"""The rows that `manage.py queues` prints: from Redis what waits, from PostgreSQL what is set."""

import contextlib
from datetime import timedelta
from typing import Any

from django.db import OperationalError, transaction

from jobs.control.words import in_words
from jobs.job_types import GROUPS
from jobs.ledger.controls import QueueControl
from jobs.ledger.publish import queues
from jobs.management.operator import operating, slugs_of
from tenancy.scope import engine_scope

SET = (
    "is_paused", "paused_until", "is_draining", "weight", "concurrency_limit", "rate_per_second",
    "burst", "capacity",
)  # fmt: skip

Row = dict[str, Any]


class QueueRows:
    """Reads them again and again; the names of organizations, which is audited, once each."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._slugs: dict[int, str] = {}

    def read(self) -> list[Row]:
        """Per group its totals, those who wait longest, then others on whom something is set."""
        rows = [row for group in GROUPS for row in self._of_group(group)]
        # The queues are worth seeing while PostgreSQL is away, under numbers.
        with contextlib.suppress(OperationalError):
            rows = [row for group in GROUPS for row in self._with_controls(group, rows)]
            self._name(rows)
        return rows

    def _of_group(self, group: str) -> list[Row]:
        totals = queues().totals(group)
        whole: Row = {
            "queue_group": group,
            "organization": "all",
            "organization_id": None,
            "waiting": totals.waiting,
            "oldest_seconds": _seconds(totals.oldest),
            "delayed": totals.delayed,
            "running": totals.leased,
            "state": [],
        }
        waiting = queues().depths(group, limit=self._limit)
        return [
            whole,
            *(_of_one(group, d.organization_id, d.waiting, d.oldest) for d in waiting),
        ]

    def _with_controls(self, group: str, rows: list[Row]) -> list[Row]:
        mine = [row for row in rows if row["queue_group"] == group]
        shown = [row["organization_id"] for row in mine if row["organization_id"] is not None]
        of_group = QueueControl.objects.filter(queue_group=group)
        with engine_scope(), transaction.atomic():
            theirs = {
                one.organization_id: one for one in of_group.filter(organization_id__in=shown)
            }
            others = list(of_group.in_force().exclude(organization_id__in=shown)[: self._limit])
        mine += [_of_one(group, other.organization_id, 0, None) for other in others]
        controls = theirs | {other.organization_id: other for other in others}
        return [_described(row, controls.get(row["organization_id"])) for row in mine]

    def _name(self, rows: list[Row]) -> None:
        """Put slugs in place of numbers; each is asked for once, because asking is audited."""
        ids = {row["organization_id"] for row in rows} - {None, *self._slugs}
        if ids:
            with operating("manage.py queues"):
                self._slugs |= slugs_of(ids)
        for row in rows:
            if row["organization_id"] in self._slugs:
                row["organization"] = self._slugs[row["organization_id"]]


def control_row(control: QueueControl) -> Row:
    """What is set on one queue, as data."""
    of = {"organization_id": control.organization_id, "queue_group": control.queue_group}
    return of | {name: getattr(control, name) for name in SET}


def _of_one(group: str, number: int | None, waiting: int, oldest: timedelta | None) -> Row:
    return {
        "queue_group": group,
        "organization": "none" if number is None else str(number),
        "organization_id": number,
        "waiting": waiting,
        "oldest_seconds": _seconds(oldest),
        "delayed": None,
        "running": None,
        "state": [],
    }


def _described(row: Row, control: QueueControl | None) -> Row:
    return row if control is None else row | {"state": in_words(control)} | control_row(control)


def _seconds(age: timedelta | None) -> float | None:
    return None if age is None else round(age.total_seconds(), 1)
