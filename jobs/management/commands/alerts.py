"""`manage.py alerts`: what is wrong now, or what was."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from jobs.alerts.models import Alert
from jobs.alerts.states import AlertState
from jobs.alerts.words import now_of, sentence
from jobs.management.operator import operating, positive
from jobs.management.output import as_json, as_table

_COLUMNS = {
    "state": "STATE",
    "organization": "ORGANIZATION",
    "summary": "WHAT",
    "now": "NOW",
    "began_at": "SINCE",
    "closed_at": "CLOSED",
    "told": "TOLD",
}


class Command(BaseCommand):
    """The open alerts, oldest first."""

    help = "Show the open alerts; --history adds those that closed."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which, and how."""
        parser.add_argument("--history", action="store_true", help="those that closed, too")
        parser.add_argument("--limit", type=positive, default=50, help="how many, the latest")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print them."""
        states = [AlertState.OPEN, *([AlertState.CLOSED] if options["history"] else [])]
        with operating("manage.py alerts"):
            found = Alert.objects.filter(state__in=states).select_related("organization")
            rows = [_row(alert) for alert in found[: options["limit"]]][::-1]
        if options["json"]:
            as_json(self.stdout, rows)
        elif rows:
            as_table(self.stdout, rows, _COLUMNS)
        else:
            self.stdout.write("No alert is open.")


def _row(alert: Alert) -> dict[str, Any]:
    return {
        "id": alert.pk,
        "state": alert.state,
        "alert": alert.kind,
        "organization": alert.organization.slug if alert.organization else None,
        "organization_id": alert.organization_id,
        "queue_group": alert.queue_group or None,
        "summary": sentence(alert),
        "now": now_of(alert) or None,
        "value": alert.value,
        "began_at": alert.began_at,
        "opened_at": alert.opened_at,
        "closed_at": alert.closed_at,
        "told": "not yet" if alert.tell_error else ", ".join(alert.told) or None,
        "tell_error": alert.tell_error or None,
    }
