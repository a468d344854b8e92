"""`manage.py deadletters list|show|retry|discard|restore`: triage without a browser."""

from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs import deadletters
from jobs.ledger.models import DeadLetter, DeadLetterState
from jobs.management.operator import add_order, operating, organization_of, positive, slugs_of
from jobs.management.output import as_fields, as_json, as_table

_COLUMNS = {
    "id": "ID",
    "last_failed_at": "LAST FAILED",
    "organization": "ORGANIZATION",
    "reason": "REASON",
    "error_message": "ERROR",
}
_LISTED = (
    "id", "state", "organization_id", "job_id", "job_type", "reason", "error_class",
    "error_message", "attempt", "first_failed_at", "last_failed_at",
)  # fmt: skip
_SHOWN = (
    *_LISTED, "error_frame", "worker_id", "handled_at", "handled_by", "handled_reason",
    "fingerprint",
)  # fmt: skip

_VERBS = {
    "retry": (deadletters.retry, "Retried", "run their jobs again"),
    "discard": (deadletters.discard, "Discarded", "their jobs will not run"),
    "restore": (deadletters.restore, "Restored", "undo a discard of the last 24 hours"),
}


class Command(BaseCommand):
    """Look at dead letters, move their jobs on; what changes something is audited."""

    help = (
        "List, show, retry, discard and restore dead letters. Ends with status 1 when one that "
        "was named is not there or was left alone; the others are done all the same."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """One subcommand a verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        listing = verbs.add_parser("list", help="open dead letters, newest first")
        listing.add_argument("--organization", metavar="ID|SLUG")
        listing.add_argument("--state", choices=DeadLetterState.values, default="open")
        listing.add_argument("--limit", type=positive, default=50)
        one = verbs.add_parser("show", help="everything about one")
        one.add_argument("dead_letter", type=int, metavar="ID")
        for verb, (_, _, what) in _VERBS.items():
            change = verbs.add_parser(verb, help=what)
            change.add_argument("dead_letters", nargs="+", type=int, metavar="ID")
            add_order(change)
        for each in verbs.choices.values():
            each.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the verb says."""
        verb = options["verb"]
        if verb == "list":
            self._list(options)
        elif verb == "show":
            self._show(options)
        else:
            self._change(verb, options)

    def _list(self, options: dict[str, Any]) -> None:
        with operating("manage.py deadletters list"):
            letters = DeadLetter.objects.filter(state=options["state"])
            if options["organization"]:
                letters = letters.filter(organization=organization_of(options["organization"]))
            rows = _with_slugs(list(letters.values(*_LISTED)[: options["limit"]]))
        if options["json"]:
            as_json(self.stdout, rows)
        elif rows:
            as_table(self.stdout, rows, _COLUMNS)
        else:
            self.stdout.write(f"No dead letter is {options['state']}.")

    def _show(self, options: dict[str, Any]) -> None:
        number = options["dead_letter"]
        with operating(f"manage.py deadletters show {number}"):
            rows = _with_slugs(list(DeadLetter.objects.filter(pk=number).values(*_SHOWN)))
        if not rows:
            raise CommandError(f"There is no dead letter {number}.")
        if options["json"]:
            as_json(self.stdout, rows[0])
        else:
            as_fields(self.stdout, rows[0])

    def _change(self, verb: str, options: dict[str, Any]) -> None:
        wanted: list[int] = list(dict.fromkeys(options["dead_letters"]))
        with operating(f"manage.py deadletters {verb}", options["operator"]):
            done, left = _move(verb, wanted, options["reason"])
        _, past, _ = _VERBS[verb]
        if options["json"]:
            as_json(
                self.stdout,
                {"done": done, "left": [{"id": one, "why": why} for one, why in left.items()]},
            )
        else:
            self.stdout.write(f"{past} {done} of {len(wanted)}.")
        if left:
            raise CommandError("; ".join(f"{one}: {why}" for one, why in left.items()))


def _move(verb: str, wanted: list[int], reason: str) -> tuple[int, Mapping[int, str]]:
    """How many were moved; and the others, each with why it was left alone."""
    operate, _, _ = _VERBS[verb]
    letters = {one.pk: one for one in DeadLetter.objects.filter(pk__in=wanted)}
    by_job = {one.job_id: one.pk for one in letters.values() if one.job_id is not None}
    without_job = [one.pk for one in letters.values() if one.job_id is None]
    outcome = operate(by_job, reason=reason)
    left = dict.fromkeys(
        (one for one in wanted if one not in letters), "there is no such dead letter"
    )
    left |= {by_job[job_id]: why for job_id, why in outcome.left}
    if verb != "discard":
        left |= dict.fromkeys(without_job, "its message names no job; it can only be discarded")
        return outcome.done, left
    open_ones = [one for one in without_job if letters[one].state == DeadLetterState.OPEN]
    left |= dict.fromkeys(set(without_job) - set(open_ones), "not open")
    return outcome.done + deadletters.dismiss(open_ones, reason=reason), left


def _with_slugs(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with the organization's slug beside its id."""
    slugs = slugs_of(row["organization_id"] for row in rows)
    return [
        {"id": row["id"], "organization": slugs.get(row["organization_id"])} | row for row in rows
    ]
