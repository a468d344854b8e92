"""`manage.py queues`: what waits where, per queue group and organization."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from jobs.job_types import GROUPS
from jobs.ledger.publish import queues
from jobs.management.operator import show


class Command(BaseCommand):
    """Read the queues from Redis: totals per group, and the organizations that wait longest."""

    help = "Show what waits in each queue group, and whose has waited longest."

    def add_arguments(self, parser: CommandParser) -> None:
        """How many organizations, and whether to go on looking."""
        parser.add_argument("--limit", type=int, default=10, help="organizations per group")
        parser.add_argument("--watch", action="store_true", help="again every two seconds")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print it once, or until Ctrl-C."""
        try:
            while True:
                show(_rows(options["limit"]), as_json=options["json"])
                if not options["watch"]:
                    return
                time.sleep(2)
        except KeyboardInterrupt:
            return


def _rows(limit: int) -> list[dict[str, Any]]:
    rows = []
    for group in GROUPS:
        totals = queues().totals(group)
        rows.append(
            _row(group, "all", totals.waiting, totals.oldest, totals.delayed, totals.leased)
        )
        for depth in queues().depths(group, limit=limit):
            whose = "none" if depth.organization_id is None else depth.organization_id
            rows.append(_row(group, whose, depth.waiting, depth.oldest, None, None))
    return rows


def _row(group: str, whose: object, waiting: int, oldest: Any, delayed: Any, running: Any) -> Any:
    return {
        "queue_group": group,
        "organization_id": whose,
        "waiting": waiting,
        "oldest_seconds": None if oldest is None else round(oldest.total_seconds(), 1),
        "delayed": delayed,
        "running": running,
    }
