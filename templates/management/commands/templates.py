"""`manage.py templates check`: published templates that the catalogue of this release breaks."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from templates.breakage import broken
from tenancy.acting import Actor, acting
from tenancy.scope import operator_scope


class Command(BaseCommand):
    """Run it on the new release, before it serves: each organization listed would get defaults."""

    help = "List published templates that today's event catalogue breaks; exit 1 if there are any."

    def add_arguments(self, parser: CommandParser) -> None:
        """One verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        check = verbs.add_parser("check", help="list broken templates of every organization")
        check.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print one line for each, or one JSON array."""
        with (
            acting(Actor.system(), source="command"),
            operator_scope("manage.py templates check"),
            transaction.atomic(),
        ):
            found = [one.as_dict() for one in broken()]
        if options["json"]:
            self.stdout.write(json.dumps(found))
        else:
            for one in found:
                self.stdout.write("  ".join(f"{name}={value}" for name, value in one.items()))
        if found:
            raise CommandError(f"{len(found)} published templates are broken.", returncode=1)
        if not options["json"]:
            self.stdout.write("Every published template fits the catalogue.")
