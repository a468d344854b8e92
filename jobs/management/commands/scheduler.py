"""`manage.py scheduler`: the periodic work; safe to run twice."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from jobs import actors  # noqa: F401 - declares the job types that are published
from jobs.scheduler import run_scheduler


class Command(BaseCommand):
    """Publish what is due and mend what was lost, until SIGTERM or Ctrl-C."""

    help = "Run the periodic work: relay, recovery, sweep. Safe to run on several machines."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until told to stop."""
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        run_scheduler(stopping)
