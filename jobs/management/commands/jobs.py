"""`manage.py jobs show|explain|cancel|check`: one job, or the state of all."""

import contextlib
import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs import control
from jobs.cancels import end_of
from jobs.check import check
from jobs.deadletters import Outcome
from jobs.explain import explain
from jobs.ledger.models import Attempt, Job
from jobs.ledger.states import State
from jobs.management.operator import add_order, job_id, operating, slugs_of
from jobs.management.output import as_fields, as_json, as_table

_JOB = (
    "id", "organization_id", "project_id", "job_type", "queue_group", "state", "reason", "hold",
    "attempt", "max_attempts", "run_at", "created_at", "finished_at", "correlation_id", "actor_id",
    "effect_state", "error_class", "error_message", "cancel_requested_at",
)  # fmt: skip
_COLUMNS = {
    "number": "ATTEMPT",
    "outcome": "OUTCOME",
    "started_at": "STARTED",
    "ended_at": "ENDED",
    "error_message": "ERROR",
}
_ATTEMPT = (
    "number", "outcome", "started_at", "ended_at", "worker_id", "error_class", "error_message",
    "error_frame",
)  # fmt: skip


class Command(BaseCommand):
    """Look at jobs by id or correlation_id, and cancel them."""

    help = (
        "Show jobs with their attempts, and cancel them. Ends with status 1 when one that "
        "was named is not there or was left alone; the others are done all the same."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """One subcommand a verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        one = verbs.add_parser("show", help="a job and its attempts, or all of a correlation_id")
        one.add_argument("id", help="of a job, or a correlation_id")
        why = verbs.add_parser("explain", help="why a job is not running now")
        why.add_argument("id", type=job_id, help="of a job")
        change = verbs.add_parser("cancel", help="waiting ones never start, running ones end")
        change.add_argument("ids", nargs="+", type=job_id, metavar="ID")
        add_order(change)
        look = verbs.add_parser("check", help="compare the ledger and Redis, both ways")
        look.add_argument("--repair", action="store_true", help="mend what differs")
        for each in verbs.choices.values():
            each.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the verb says."""
        verbs = {"show": self._show, "explain": self._explain, "cancel": self._cancel}
        verbs["check"] = self._check
        verbs[options["verb"]](options)

    def _show(self, options: dict[str, Any]) -> None:
        with operating(f"manage.py jobs show {options['id']}"):
            rows = _found(options["id"])
            lives = _lives(rows)
        if not rows:
            raise CommandError(f"No job has the id or correlation_id {options['id']!r}.")
        if options["json"]:
            as_json(self.stdout, [{**row, "attempts": _of(row, lives)} for row in rows])
            return
        for number, row in enumerate(rows):
            if number:
                self.stdout.write("")
            as_fields(self.stdout, row)
            if life := _of(row, lives):
                self.stdout.write("")
                as_table(self.stdout, life, _COLUMNS)

    def _explain(self, options: dict[str, Any]) -> None:
        with operating(f"manage.py jobs explain {options['id']}"):
            job = Job.objects.filter(pk=options["id"]).first()
            if job is None:
                raise CommandError(f"No job has the id {options['id']}.")
            told = explain(job)
        if not options["json"]:
            self.stdout.write(told.sentence)
            return
        estimate = told.estimate and round(told.estimate.total_seconds(), 1)
        as_json(
            self.stdout,
            {
                "id": job.pk,
                "organization_id": job.organization_id,
                "queue_group": job.queue_group,
                "state": job.state,
                "cause": told.cause,
                "sentence": told.sentence,
                "estimate_seconds": estimate,
                "lifted_by": told.lift or None,
                "waits_for": told.jobs,
            },
        )

    def _check(self, options: dict[str, Any]) -> None:
        found = check(repair=options["repair"])
        if options["json"]:
            as_json(self.stdout, [vars(one) | {"sentence": one.sentence} for one in found])
            return
        for one in found:
            mended = f", {one.mended} mended" if options["repair"] else ""
            self.stdout.write(f"{one.count} {one.kind}{mended}. {one.sentence}")
            self.stdout.write(f"    {', '.join(one.examples)}")
        if not found:
            self.stdout.write("The ledger and Redis agree.")

    def _cancel(self, options: dict[str, Any]) -> None:
        wanted = list(dict.fromkeys(options["ids"]))
        with operating("manage.py jobs cancel", options["operator"]):
            outcome = control.cancel(wanted, reason=options["reason"])
        if options["json"]:
            left = [{"id": one, "why": why} for one, why in outcome.left]
            done = {"done": outcome.done, "asked": outcome.asked}
            as_json(self.stdout, {**done, "left": left})
        else:
            self.stdout.write(_said(outcome, len(wanted)))
        if outcome.left:
            raise CommandError("; ".join(f"{one}: {why}" for one, why in outcome.left))


def _said(outcome: Outcome, wanted: int) -> str:
    """What happened, and first what the one who asked will look for."""
    asked = f"Asked {outcome.asked} running to end; `jobs show` says when it has."
    if not outcome.asked:
        return f"Cancelled {outcome.done} of {wanted}."
    if not outcome.done:
        return asked
    return f"Cancelled {outcome.done} of {wanted} at once. {asked}"


def _found(text: str) -> list[dict[str, Any]]:
    jobs = Job.objects.filter(correlation_id=text)
    with contextlib.suppress(ValueError):
        jobs = jobs | Job.objects.filter(pk=uuid.UUID(text))
    rows = list(jobs.order_by("pk").values(*_JOB)[:100])
    slugs = slugs_of(row["organization_id"] for row in rows)
    return [
        {"id": row["id"], "organization": slugs.get(row["organization_id"])} | row | _asked(row)
        for row in rows
    ]


def _asked(row: dict[str, Any]) -> dict[str, Any]:
    """Who ended one that is cancelled, or asked a running one to end, and why."""
    asked = None
    if row["state"] == State.CANCELLED or row["cancel_requested_at"]:
        asked = end_of(row["organization_id"], row["id"], row["reason"])
    return {"cancelled_by": asked and asked.who, "cancelled_because": asked and asked.reason}


def _lives(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every attempt, those that are under way included."""
    mine = {"organization_id__in": {row["organization_id"] for row in rows}}
    ids = [row["id"] for row in rows]
    attempts = [
        *Attempt.objects.filter(job_id__in=ids, **mine),
        *map(Attempt.under_way, Job.objects.filter(pk__in=ids, state=State.RUNNING, **mine)),
    ]
    return [{name: getattr(one, name) for name in ("job_id", *_ATTEMPT)} for one in attempts]


def _of(row: dict[str, Any], lives: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in life.items() if name != "job_id"}
        for life in lives
        if life["job_id"] == row["id"]
    ]
