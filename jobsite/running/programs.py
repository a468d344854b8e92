"""What `make run` keeps running, beside the servers."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

QUEUE_GROUPS = ("notifications", "indexing", "backfill", "audit")
WORKER_THREADS = 8
# Beyond the grace that workers give their jobs: the supervisor kills what is still there then.
KILL_AFTER_SECONDS = 10


@dataclass(frozen=True, kw_only=True)
class Program:
    name: str
    command: Sequence[str]
    grace_seconds: int  # from SIGTERM to SIGKILL
    outlasts: bool = False  # stopped after the others, which may still need it


def programs(ports: Mapping[str, int], receivers_secrets: Path) -> list[Program]:
    grace = settings.WORKER_GRACE_SECONDS
    return [
        Program(
            name="web",
            command=[sys.executable, "-m", "gunicorn", "--config", "python:jobsite.gunicorn"],
            grace_seconds=KILL_AFTER_SECONDS,
        ),
        # One process per worker line: dramatiq's master exits when a child of several dies.
        Program(
            name="workers",
            command=[
                *manage("rundramatiq", "--skip-logging", "--processes=1"),
                f"--threads={WORKER_THREADS}",
                f"--worker-shutdown-timeout={grace * 1000}",
                *("--queues", *QUEUE_GROUPS),
            ],
            grace_seconds=grace + KILL_AFTER_SECONDS,
        ),
        Program(
            name="scheduler", command=manage("scheduler"), grace_seconds=grace + KILL_AFTER_SECONDS
        ),
        Program(
            name="receivers",
            command=manage(
                "receivers",
                f"--smtp-port={ports['RECEIVERS_SMTP_PORT']}",
                f"--web-port={ports['RECEIVERS_WEB_PORT']}",
                f"--secrets={receivers_secrets}",
            ),
            grace_seconds=KILL_AFTER_SECONDS,
            outlasts=True,
        ),
        Program(
            name="events",
            command=manage("demo", "--trickle"),
            grace_seconds=KILL_AFTER_SECONDS,
        ),
    ]


def manage(*arguments: str) -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]


def environment(ports: Mapping[str, int], metrics: Path) -> dict[str, str]:
    """The variables that the programs get on top of ours; what is set already, stays."""
    return {
        **{name: str(port) for name, port in ports.items()},
        "PUBLIC_URL": f"http://localhost:{ports['PORT']}",
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        # Seconds instead of days, so that somebody who watches sees a dead letter.
        "JOBS_RETRY_SCALE": "0.0002",
        # The demo's receiver is on this machine, where webhooks may not go otherwise.
        "WEBHOOK_ALLOW_HTTP": "true",
        "WEBHOOK_ALLOWED_HOSTS": "127.0.0.1",
        "WEBHOOK_ALLOWED_PORTS": f"443,{ports['RECEIVERS_WEB_PORT']}",
    }
