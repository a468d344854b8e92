"""`manage.py jobs show|cancel`: one job's life, or the end of one that waits."""

import contextlib
import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs import control
from jobs.ledger.models import Attempt, Job
from jobs.management.operator import add_order, operating, show

_JOB = (
    "id", "organization_id", "project_id", "job_type", "queue_group", "state", "reason", "hold",
    "attempt", "max_attempts", "run_at", "created_at", "finished_at", "correlation_id", "actor_id",
    "effect_state", "error_class", "error_message",
)  # fmt: skip
_ATTEMPT = (
    "number", "outcome", "started_at", "ended_at", "worker_id", "error_class", "error_message",
    "error_frame",
)  # fmt: skip


class Command(BaseCommand):
    """Look at jobs by id or correlation_id, and cancel those that have not started."""

    help = "Show jobs with their attempts, and cancel waiting ones."

    def add_arguments(self, parser: CommandParser) -> None:
        """One subcommand a verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        one = verbs.add_parser("show", help="a job and its attempts, or all of a correlation_id")
        one.add_argument("id", help="of a job, or a correlation_id")
        change = verbs.add_parser("cancel", help="waiting jobs never start")
        change.add_argument("ids", nargs="+", type=uuid.UUID, metavar="ID")
        add_order(change)
        for each in verbs.choices.values():
            each.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the verb says."""
        with operating(f"manage.py jobs {options['verb']}", options.get("operator")):
            if options["verb"] == "cancel":
                outcome = control.cancel(options["ids"], reason=options["reason"])
                if options["json"]:
                    show([{"done": outcome.done, "left": outcome.left}], as_json=True)
                else:
                    self.stdout.write(outcome.describe("Cancelled"))
                return
            rows = _found(options["id"])
            attempts = Attempt.objects.filter(job_id__in=[row["id"] for row in rows])
            lives = list(attempts.values("job_id", *_ATTEMPT))
        if not rows:
            raise CommandError(f"No job has the id or correlation_id {options['id']!r}.")
        if options["json"]:
            show([{**row, "attempts": _of(row, lives)} for row in rows], as_json=True)
            return
        for row in rows:
            show([{"field": name, "value": value} for name, value in row.items()], as_json=False)
            show(_of(row, lives), as_json=False)


def _found(text: str) -> list[dict[str, Any]]:
    jobs = Job.objects.filter(correlation_id=text)
    with contextlib.suppress(ValueError):
        jobs = jobs | Job.objects.filter(pk=uuid.UUID(text))
    return list(jobs.order_by("pk").values(*_JOB)[:100])


def _of(row: dict[str, Any], lives: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in life.items() if name != "job_id"}
        for life in lives
        if life["job_id"] == row["id"]
    ]
