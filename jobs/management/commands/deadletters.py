"""`manage.py deadletters list|show|retry|discard`: triage without a browser."""

import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs import deadletters
from jobs.ledger.models import DeadLetter
from jobs.management.operator import add_order, operating, organization_of, show

_LISTED = (
    "id", "organization_id", "job_id", "job_type", "reason", "error_class", "error_message",
    "attempt", "last_failed_at",
)  # fmt: skip
_SHOWN = (*_LISTED, "error_frame", "worker_id", "first_failed_at", "state", "fingerprint")


class Command(BaseCommand):
    """Look at dead letters, retry or discard their jobs; what changes something is audited."""

    help = "List, show, retry and discard dead letters."

    def add_arguments(self, parser: CommandParser) -> None:
        """One subcommand a verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        listing = verbs.add_parser("list", help="open dead letters, newest first")
        listing.add_argument("--organization", metavar="ID|SLUG")
        listing.add_argument("--limit", type=int, default=50)
        one = verbs.add_parser("show", help="everything about one")
        one.add_argument("dead_letters", nargs=1, type=int, metavar="ID")
        for verb in ("retry", "discard"):
            change = verbs.add_parser(verb, help=f"{verb} the jobs of these dead letters")
            change.add_argument("dead_letters", nargs="+", type=int, metavar="ID")
            add_order(change)
        for each in verbs.choices.values():
            each.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the verb says."""
        verb = options["verb"]
        with operating(f"manage.py deadletters {verb}", options.get("operator")):
            if verb in ("retry", "discard"):
                self._change(verb, options)
                return
            letters = DeadLetter.objects.all()
            if verb == "show":
                rows = list(letters.filter(pk__in=options["dead_letters"]).values(*_SHOWN))
                if not rows:
                    raise CommandError(f"There is no dead letter {options['dead_letters'][0]}.")
            else:
                if options["organization"]:
                    letters = letters.filter(organization=organization_of(options["organization"]))
                rows = list(letters.filter(state="open").values(*_LISTED)[: options["limit"]])
        show(rows, as_json=options["json"])

    def _change(self, verb: str, options: dict[str, Any]) -> None:
        chosen = DeadLetter.objects.filter(pk__in=options["dead_letters"], job__isnull=False)
        job_ids: list[uuid.UUID] = list(chosen.values_list("job_id", flat=True))
        if not job_ids:
            raise CommandError("None of these dead letters has a job.")
        operate = deadletters.retry if verb == "retry" else deadletters.discard
        outcome = operate(job_ids, reason=options["reason"])
        if options["json"]:
            show([{"done": outcome.done, "left": outcome.left}], as_json=True)
        else:
            past = {"retry": "Retried", "discard": "Discarded"}[verb]
            self.stdout.write(outcome.describe(past))
