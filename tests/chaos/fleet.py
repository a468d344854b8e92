"""Worker and scheduler processes, started as an operator starts them, and signalled one by one."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil

from tests.servers import ROOT
from tests.waiting import eventually

ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
    "JOBS_LEASE_SECONDS": "2",
    "JOBS_HEARTBEAT_SECONDS": "1",
    "WORKER_GRACE_SECONDS": "4",
    "LOG_LEVEL": "info",
}
START = [sys.executable, "-m", "jobsite.running.tether", sys.executable, "manage.py"]
GROUPS = ("notifications", "indexing", "backfill", "audit")
BOOT_SECONDS = 300.0  # a busy machine takes its time


class Started:
    """One `manage.py` command, with all that it logs in a file."""

    def __init__(self, *arguments: str, log: Path, environment: Mapping[str, str]) -> None:
        self.log = log
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [*START, *arguments],
                cwd=ROOT,
                env=os.environ | ENVIRONMENT | environment,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    def has_logged(self, text: str, times: int = 1) -> bool:
        return self.log.read_text(errors="replace").count(text) >= times

    def terminate(self) -> None:
        """Ask it to end, and wait until it has."""
        self.process.terminate()
        self.wait()

    def wait(self) -> int:
        """Until it has ended; returns its exit status."""
        return self.process.wait(120)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(60)


class Worker(Started):
    """A worker: dramatiq's master, and the one process under it that runs jobs."""

    def wait_until_up(self) -> None:
        eventually(lambda: self.has_logged("Worker process is ready"), within=BOOT_SECONDS)

    @property
    def running(self) -> psutil.Process:
        [child] = [
            one
            for one in psutil.Process(self.process.pid).children()
            if "resource_tracker" not in " ".join(one.cmdline())
        ]
        return child

    def kill(self) -> None:
        """As the kernel does when memory is short: all of its processes, without a word."""
        doomed = [*psutil.Process(self.process.pid).children(recursive=True)]
        for one in doomed:
            one.kill()
        super().kill()

    def stop(self) -> None:
        self.running.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        self.running.send_signal(signal.SIGCONT)


class Fleet:
    """All that one drill starts; ended with it."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = dict(environment)
        self.started: list[Started] = []

    def worker(self, *queues: str, threads: int = 4, **environment: str) -> Worker:
        """Of the groups that the drills use, unless told otherwise."""
        worker = Worker(
            "rundramatiq",
            *("--queues", *(queues or GROUPS)),
            *("--processes", "1", "--threads", str(threads)),
            log=self._log(),
            environment=self.environment | environment,
        )
        self.started.append(worker)
        return worker

    def scheduler(self) -> Started:
        return self.start("scheduler")

    def start(self, *arguments: str, **environment: str) -> Started:
        """Any other command of `manage.py`."""
        started = Started(*arguments, log=self._log(), environment=self.environment | environment)
        self.started.append(started)
        return started

    def end(self) -> None:
        for one in self.started:
            if one.process.poll() is None:
                one.kill()

    def logs(self) -> str:
        return "\n".join(one.log.read_text(errors="replace")[-1000:] for one in self.started)

    def _log(self) -> Path:
        return self.folder / f"{len(self.started)}.log"
