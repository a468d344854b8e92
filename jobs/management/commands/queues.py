"""`manage.py queues`: what waits where, per queue group and organization."""

import contextlib
import time
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError

from jobs.broker.answers import Depth
from jobs.broker.errors import BrokerUnavailable
from jobs.job_types import GROUPS
from jobs.ledger.publish import queues
from jobs.management.operator import operating, positive, slugs_of
from jobs.management.output import as_json, as_table

_COLUMNS = {
    "queue_group": "QUEUE GROUP",
    "organization": "ORGANIZATION",
    "waiting": "WAITING",
    "oldest_seconds": "OLDEST (S)",
    "delayed": "DELAYED",
    "running": "RUNNING",
}


class Command(BaseCommand):
    """Read the queues from Redis: totals per group, and the organizations that wait longest."""

    help = "Show what waits in each queue group, and whose has waited longest."

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._slugs: dict[int, str] = {}

    def add_arguments(self, parser: CommandParser) -> None:
        """How many organizations, and whether to go on looking."""
        parser.add_argument("--limit", type=positive, default=10, help="organizations per group")
        parser.add_argument("--watch", action="store_true", help="again every two seconds")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print it once, or until Ctrl-C."""
        try:
            while True:
                self._print(options)
                if not options["watch"]:
                    return
                time.sleep(2)
        except KeyboardInterrupt:
            return
        except BrokerUnavailable as error:
            raise CommandError(str(error)) from error

    def _print(self, options: dict[str, Any]) -> None:
        rows = _rows(options["limit"])
        self._name(rows)
        if options["json"]:
            as_json(self.stdout, rows)
        else:
            as_table(self.stdout, rows, _COLUMNS)

    def _name(self, rows: list[dict[str, Any]]) -> None:
        """Put slugs in place of numbers; each is asked for once, because asking is audited."""
        ids = {row["organization_id"] for row in rows} - {None, *self._slugs}
        # The queues are worth seeing while PostgreSQL is away, under numbers.
        with contextlib.suppress(OperationalError):
            if ids:
                with operating("manage.py queues"):
                    self._slugs |= slugs_of(ids)
        for row in rows:
            if row["organization_id"] in self._slugs:
                row["organization"] = self._slugs[row["organization_id"]]


def _rows(limit: int) -> list[dict[str, Any]]:
    rows = []
    for group in GROUPS:
        totals = queues().totals(group)
        rows.append(
            {
                "queue_group": group,
                "organization": "all",
                "organization_id": None,
                "waiting": totals.waiting,
                "oldest_seconds": _seconds(totals.oldest),
                "delayed": totals.delayed,
                "running": totals.leased,
            }
        )
        rows += [_of_one(group, depth) for depth in queues().depths(group, limit=limit)]
    return rows


def _of_one(group: str, depth: Depth) -> dict[str, Any]:
    number = depth.organization_id
    return {
        "queue_group": group,
        "organization": "none" if number is None else str(number),
        "organization_id": number,
        "waiting": depth.waiting,
        "oldest_seconds": _seconds(depth.oldest),
        "delayed": None,
        "running": None,
    }


def _seconds(age: timedelta | None) -> float | None:
    return None if age is None else round(age.total_seconds(), 1)
