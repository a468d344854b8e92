"""`manage.py demo`: data to look at, a trickle of events, and the journey that checks it all."""

import contextlib
import signal
import subprocess
import sys
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs.broker.errors import BrokerUnavailable
from jobs.ledger import relay
from jobsite.demo.seed import NotADemo, follow_receivers, seed
from jobsite.demo.trickle import trickle


class Command(BaseCommand):
    """Fill the database with demo data, or check the product's main journey."""

    help = (
        "Make some thirty organizations with plausible data (nothing if they are there). With "
        "--trickle, cause events until stopped. With --check, drive the main journey end to end on "
        "servers of its own in a temporary folder; the last line is one JSON object, the exit "
        "status 0 only if every check holds."
    )

    # Some checks ask the database, and with --check there is none yet.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """What to do, and how often an event happens."""
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--check", action="store_true", help="drive and check the main journey")
        what.add_argument(
            "--follow", action="store_true", help="send webhooks to where the receivers are now"
        )
        what.add_argument("--trickle", action="store_true", help="cause events until stopped")
        parser.add_argument("--every", type=float, default=10, help="mean seconds between events")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do the one thing that was asked for."""
        if options["check"]:
            # A process of its own: its settings point to servers that are yet to be started.
            done = subprocess.run(
                [sys.executable, "-m", "jobsite.demo.check"], cwd=settings.BASE_DIR, check=False
            )
            sys.exit(done.returncode)
        if options["every"] <= 0:
            raise CommandError("--every takes a number of seconds above zero.")
        if options["trickle"]:
            stopping = threading.Event()
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stopping.set())
            trickle(stopping, every_seconds=options["every"])
            return
        if options["follow"]:
            self.stdout.write(f"{follow_receivers()} endpoints moved.")
            return
        # The scheduler would do it, but on a first start it runs later than this.
        with contextlib.suppress(BrokerUnavailable):
            relay.recover()
        try:
            made = seed()
        except NotADemo as error:
            self.stdout.write(str(error))
            return
        self.stdout.write(f"{made.organizations} organizations, {made.missions} missions made.")
