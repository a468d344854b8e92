"""stock+records, as the benchmarks start it: see `peers/records`."""

import sys
from typing import Any

from benchmarks.ground import Ground

MODULE = "benchmarks.peers.records"


class Records:
    """Its database, its jobs and its worker."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.environment = {
            "DJANGO_SETTINGS_MODULE": f"{MODULE}.settings",
            "RECORDS_URL": ground.database("records"),
        }
        django = [sys.executable, "-m", "django"]
        ground.tool(*django, "migrate", "--run-syncdb", "--verbosity=0", **self.environment)

    def seed(self) -> None:
        """A thousand rows for the effect to touch, and statistics, as ours has them."""
        self._drive("seed")
        with self.ground.superuser("records") as connection:
            connection.execute("ANALYZE")

    def drain(self, actor: str, jobs: int, *, kept: bool = False) -> float:
        """Jobs a second of one worker with eight threads, its start excluded."""
        self.ground.flush()
        self._drive("fill", actor, str(jobs))
        command = ["rundramatiq", "--processes", "1", "--threads", "8"]
        more = self.environment | ({"KEEP_CONNECTIONS": "1"} if kept else {})
        with self.ground.worker(sys.executable, "-m", "django", *command, **more) as worker:
            return worker.drain(jobs).rate

    def send(self, jobs: int) -> float:
        """Jobs sent a second, one by one."""
        self.ground.flush()
        return float(self._drive("fill", "noop", str(jobs)))

    def _drive(self, *arguments: str) -> Any:
        module = [sys.executable, "-m", f"{MODULE}.drive"]
        return self.ground.tool(*module, *arguments, **self.environment)
