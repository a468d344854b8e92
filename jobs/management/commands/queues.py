"""`manage.py queues`: what waits where; `queues pause|resume|…`: what a queue may take."""

import argparse
import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs import control
from jobs.broker.errors import BrokerUnavailable
from jobs.control.words import in_words
from jobs.job_types import GROUPS
from jobs.ledger.controls import QueueControl
from jobs.management.operator import add_order, operating, organization_of, positive
from jobs.management.output import as_json, as_table
from jobs.management.queue_rows import QueueRows, control_row
from tenancy import clock

_COLUMNS = {
    "queue_group": "QUEUE GROUP",
    "organization": "ORGANIZATION",
    "waiting": "WAITING",
    "oldest_seconds": "OLDEST (S)",
    "delayed": "DELAYED",
    "running": "RUNNING",
    "controls": "CONTROLS",
}
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Command(BaseCommand):
    """Read the queues: totals per group, whose wait longest, what is set; and set it."""

    help = (
        "Show what waits in each queue group, whose has waited longest, and what is set on it. "
        "With a verb, set something on the queues of one organization; it holds at the next fetch."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """How many organizations, and whether to go on looking; or one subcommand a verb."""
        parser.add_argument("--limit", type=positive, default=10, help="organizations per group")
        parser.add_argument("--watch", action="store_true", help="again every two seconds")
        parser.add_argument("--json", action="store_true", help="print JSON")
        verbs = parser.add_subparsers(dest="verb", metavar="VERB")
        for name, (help_text, add_value) in _VERBS.items():
            verb = verbs.add_parser(name, help=help_text)
            add_value(verb)
            verb.add_argument("--organization", required=True, help="its id or slug")
            verb.add_argument("--group", choices=GROUPS, help="one queue group; without it, all")
            add_order(verb)
            # Without a default of its own, so that `queues --json pause …` says the same.
            verb.add_argument(
                "--json", action="store_true", default=argparse.SUPPRESS, help="print JSON"
            )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print, once or until Ctrl-C; or do what the verb says."""
        if options["verb"]:
            self._set(options)
            return
        rows = QueueRows(options["limit"])
        try:
            while True:
                self._print(rows, as_data=options["json"])
                if not options["watch"]:
                    return
                time.sleep(2)
        except KeyboardInterrupt:
            return
        except BrokerUnavailable as error:
            raise CommandError(str(error)) from error

    def _print(self, rows: QueueRows, *, as_data: bool) -> None:
        found = rows.read()
        if as_data:
            as_json(self.stdout, found)
        else:
            shown = [{**one, "controls": ", ".join(one["state"])} for one in found]
            as_table(self.stdout, shown, _COLUMNS)

    def _set(self, options: dict[str, Any]) -> None:
        verb = options["verb"]
        with operating(f"manage.py queues {verb}", options["operator"]):
            of = organization_of(options["organization"])
            changed = _DEEDS[verb](of.pk, options["group"], options)
        if options["json"]:
            as_json(self.stdout, [{"organization": of.slug} | control_row(row) for row in changed])
        elif not changed:
            self.stdout.write(f"Nothing to change: it is so already for {of.slug}.")
        for row in changed if not options["json"] else []:
            state = ", ".join(in_words(row)) or "open, without limits"
            self.stdout.write(f"{row.queue_group} of {of.slug}: {state}.")


def _duration(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if found is None or not int(found[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is no length of time; write 90s, 30m, 2h or 1d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _number(
    kind: Callable[[str], Any], what: str, off: str = "none to take it off"
) -> Callable[[str], Any]:
    """Reads a number, or None from the word that takes the control off."""

    def read(text: str) -> Any:
        if text == "none" and off.startswith("none"):
            return None
        try:
            return kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not {what}; write one, or {off}"
            ) from None

    return read


_COUNT, _DECIMAL = _number(int, "a whole number"), _number(float, "a number")
_SHARE = _number(float, "a number", off="1 for what all have")


def _no_value(verb: argparse.ArgumentParser) -> None:
    pass


def _pause_value(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--for", dest="length", type=_duration, metavar="2h", help="resume by itself after that"
    )


def _count_value(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("value", type=_COUNT, metavar="N", help="how many, or none for no limit")


def _weight_value(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("value", type=_SHARE, metavar="SHARE", help="beside the 1 of the others")


def _rate_value(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("value", type=_DECIMAL, metavar="PER_SECOND", help="or none for no limit")
    verb.add_argument("--burst", type=int, help="how many may start at once after a rest")


_VERBS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "pause": ("nothing of it starts any more", _pause_value),
    "drain": ("what waits runs, new jobs are held", _no_value),
    "resume": ("it runs and takes new jobs again", _no_value),
    "limit": ("at most so many with workers at once", _count_value),
    "weight": ("its share of worker time", _weight_value),
    "rate": ("at most so many starts a second", _rate_value),
    "capacity": ("at most so many waiting", _count_value),
}


def _pause(organization_id: int, group: str | None, given: dict[str, Any]) -> list[QueueControl]:
    until = clock.now() + given["length"] if given["length"] else None
    return control.pause(organization_id, group, until=until, reason=given["reason"])


_DEEDS: dict[str, Callable[[int, str | None, dict[str, Any]], list[QueueControl]]] = {
    "pause": _pause,
    "drain": lambda of, group, given: control.drain(of, group, reason=given["reason"]),
    "resume": lambda of, group, given: control.resume(of, group, reason=given["reason"]),
    "limit": lambda of, group, given: control.limit(
        of, group, concurrency=given["value"], reason=given["reason"]
    ),
    "weight": lambda of, group, given: control.weight(
        of, group, share=given["value"], reason=given["reason"]
    ),
    "rate": lambda of, group, given: control.rate(
        of, group, per_second=given["value"], burst=given["burst"], reason=given["reason"]
    ),
    "capacity": lambda of, group, given: control.capacity(
        of, group, waiting=given["value"], reason=given["reason"]
    ),
}
