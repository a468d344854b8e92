"""`manage.py receivers`: the demo's mail server and webhook receiver, until it is stopped."""

import json
import signal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobsite.demo.receivers import HOST, Receivers


class Command(BaseCommand):
    help = "Receive mails and webhooks on 127.0.0.1 and show them on a page."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--smtp-port", type=int, default=8025, help="0 picks a free one")
        parser.add_argument("--web-port", type=int, default=8026, help="0 picks a free one")
        parser.add_argument(
            "--secrets", type=Path, help="JSON file: hook name → secret; read for every webhook"
        )
        parser.add_argument("--json", action="store_true", help="the ready line as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        # Blocked before any thread starts, so that only `sigwait` sees them.
        stops = {signal.SIGINT, signal.SIGTERM}
        signal.pthread_sigmask(signal.SIG_BLOCK, stops)
        receivers = Receivers(
            smtp_port=options["smtp_port"],
            web_port=options["web_port"],
            secrets_file=options["secrets"],
        )
        try:
            receivers.start()
        except OSError as error:
            raise CommandError(
                f"Port {options['smtp_port']} or {options['web_port']} cannot be used: "
                f"{error.strerror}. Choose others with --smtp-port and --web-port."
            ) from error
        self.stdout.write(self._ready(receivers, as_json=options["json"]))
        self.stdout.flush()
        signal.sigwait(stops)
        receivers.stop()

    def _ready(self, receivers: Receivers, *, as_json: bool) -> str:
        if as_json:
            return json.dumps({"smtp_port": receivers.smtp_port, "web_port": receivers.web_port})
        return (
            f"Receivers ready: mail on {HOST}:{receivers.smtp_port}, "
            f"page on http://{HOST}:{receivers.web_port}/"
        )
