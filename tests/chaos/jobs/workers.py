"""Real worker processes of the bulk queues, and how they end."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil

type StartWorker = Callable[[], psutil.Popen]


def start(objects: Path, **more: str) -> psutil.Popen:
    """One process of one thread, with a short lease, whose objects lie in this folder."""
    command = ["manage.py", "rundramatiq", "--skip-logging", "--processes=1", "--threads=1"]
    environment = {
        "OBJECT_STORE_URL": objects.as_uri(),
        "JOBS_LEASE_SECONDS": "2",
        "JOBS_HEARTBEAT_SECONDS": "1",
        "JOBS_RETRY_SCALE": "0",
    }
    return psutil.Popen(
        [sys.executable, *command, "--queues", "backfill"],
        env=os.environ | environment | more,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kill(worker: psutil.Popen) -> None:
    """As the kernel does when memory is short, with all that it started."""
    for one in family(worker):
        one.kill()
    worker.wait(30)


def family(worker: psutil.Popen) -> list[psutil.Process]:
    """It and all that it started, these first."""
    return [*worker.children(recursive=True), worker]
