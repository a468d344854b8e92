"""`manage.py search`: build an index anew, go back to the one before, compare with the database."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs.families.search.backends import BackendUnavailable
from jobs.families.search.errors import SearchError
from jobs.management import search_orders
from jobs.management.operator import add_order, operating, organization_of, positive
from jobs.management.output import as_json, as_table


class Command(BaseCommand):
    """One verb each; `--json` prints what was done, one object for each organization."""

    help = (
        "Search indexes: `reindex` has workers build them anew beside those in use, `check` "
        "compares them with the database, `swap-back` goes back to the index before, `status` "
        "says what is under way. All organizations unless one is named."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Verbs and what each takes."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        for name, text in search_orders.VERBS.items():
            verb = verbs.add_parser(name, help=text)
            verb.add_argument("--organization", metavar="ID|SLUG", required=name == "swap-back")
            verb.add_argument("--json", action="store_true", help="print JSON")
            if name == "reindex":
                doing = verb.add_mutually_exclusive_group()
                doing.add_argument("--resume", action="store_true", help="go on where a job died")
                doing.add_argument("--cancel", action="store_true", help="drop what is half done")
                verb.add_argument("--per-second", type=positive, metavar="N", help="documents")
            if name == "check":
                verb.add_argument("--repair", action="store_true", help="mend what differs")
            if name in ("reindex", "swap-back"):
                add_order(verb)

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and print what there is now. Exit status 1 where `check` finds a difference."""
        with operating("manage.py search", options.get("operator")):
            named = options["organization"]
            wanted = [organization_of(named)] if named else search_orders.everyone()
        try:
            told = search_orders.follow(options["verb"], wanted, options)
        except (SearchError, BackendUnavailable) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            as_json(self.stdout, told)
        else:
            as_table(self.stdout, told, search_orders.COLUMNS[options["verb"]])
        if options["verb"] == "check" and any(one["differences"] for one in told):
            raise SystemExit(1)
