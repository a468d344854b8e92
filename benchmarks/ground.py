"""The servers of one run, and the processes on them; all of it ends with the run.

PostgreSQL with its own defaults (fsync on), Valkey without persistence, both on unix sockets in a
temporary folder, the same two for every system that is measured.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import psycopg
import redis
from psycopg import sql

from benchmarks import ticks
from benchmarks.harness import Unmeasured
from jobsite.embedded import postgres, valkey
from jobsite.embedded.places import Places

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 60.0


class Ground:
    """Where one run happens. Main thread only: the kernel ends the servers with their starter."""

    def __init__(self, *, options: Sequence[str] = ()) -> None:
        """`options` go to PostgreSQL."""
        self.folder = Path(tempfile.mkdtemp(prefix="bench-", dir="/tmp"))  # short, for the sockets
        self.folder.chmod(0o711)  # as root, PostgreSQL runs as another user and must pass through
        self.places = Places(data=self.folder / "data", sockets=self.folder / "s")
        self._numbers = count(1)
        self._postgres = postgres.start(self.places, options=options)
        self._valkey = valkey.start(self.places, persistent=False)
        self.redis = redis.Redis.from_url(self.places.redis_url)
        self.environment = _inherited() | {
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "DATA_DIR": str(self.folder / "data"),
            "DATABASE_URL": self.places.database_url("app"),
            "DATABASE_OWNER_URL": self.places.database_url("owner"),
            "REDIS_URL": self.places.redis_url,
            "VALKEY_SOCKET": str(self.places.valkey_socket),
            "SECRET_KEY": "of a benchmark",
            "LOG_FORMAT": "json",
            "LOG_LEVEL": "warning",
        }

    def close(self) -> None:
        """Stop the servers and remove the folder."""
        self._valkey.stop()
        self._postgres.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def flush(self) -> None:
        """Empty Redis, and wait until its memory is free: Valkey would do that later."""
        self.redis.execute_command("FLUSHALL", "SYNC")  # type: ignore[no-untyped-call]

    # -- PostgreSQL ---------------------------------------------------------------------------

    def database(self, name: str) -> str:
        """An empty database for a peer; gives its URL, as superuser."""
        with self.superuser("postgres") as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.places.database_url(postgres.SUPERUSER, name)

    @contextmanager
    def superuser(self, database: str = "control_plane") -> Iterator[psycopg.Connection[Any]]:
        """For what no role of ours may: making databases, a million rows at once."""
        url = self.places.database_url(postgres.SUPERUSER, database)
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection

    # -- processes ----------------------------------------------------------------------------

    def tool(self, *command: str, **environment: str) -> Any:
        """Run a command to its end; gives the JSON of its last line of output, if it is any."""
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Unmeasured(f"{' '.join(command)} failed: {(done.stderr or done.stdout)[-1500:]}")
        lines = done.stdout.strip().splitlines()
        return json.loads(lines[-1]) if lines and lines[-1][:1] in "{[0123456789" else None

    @contextmanager
    def worker(self, *command: str, **environment: str) -> Iterator["Worker"]:
        """A worker that runs while the block does, and the ticks that it makes."""
        folder = self.folder / f"worker-{next(self._numbers)}"
        folder.mkdir()
        filled_in = [part.replace("{redis}", self.places.redis_url) for part in command]
        worker = Worker(filled_in, self.environment | environment, folder)
        try:
            yield worker
        finally:
            worker.stop()
            shutil.rmtree(folder)


class Worker:
    """One worker of any system, with what its jobs count."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.name = " ".join(command)
        # It becomes the command, and ends when we do.
        tether = [sys.executable, "-m", "jobsite.running.tether"]
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [*tether, *command],
                cwd=ROOT,
                env=environment | {ticks.FOLDER: str(folder)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def drain(self, jobs: int, *, patience: float = PATIENCE_SECONDS) -> ticks.Count:
        """Wait until so many jobs have run."""
        self.wait(lambda: ticks.read(self.folder).ticks >= jobs, patience=patience)
        return ticks.read(self.folder)

    def wait(self, holds: Callable[[], bool], *, patience: float = PATIENCE_SECONDS) -> None:
        """Wait until something holds; `Unmeasured` when the worker ends before, or stalls."""
        deadline = time.monotonic() + patience
        while not holds():
            if self.process.poll() is not None:
                raise Unmeasured(f"{self.name} ended: {self.last_words()}")
            if time.monotonic() > deadline:
                count = ticks.read(self.folder).ticks
                raise Unmeasured(f"{self.name} stalled at {count} jobs: {self.last_words()}")
            time.sleep(0.02)

    def has_said(self, text: str) -> bool:
        return text in self.log.read_text(errors="replace")

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-1500:]

    def journal(self) -> list[ticks.Line]:
        """What its jobs told about themselves so far."""
        return list(ticks.journal(self.folder))

    def processes(self) -> list[psutil.Process]:
        """It and all below it."""
        me = psutil.Process(self.process.pid)
        return [me, *me.children(recursive=True)]

    def processor_seconds(self) -> float:
        """What it and all below it have used so far; the kernel's usual count is too coarse."""
        tasks = [Path("/proc", str(one.pid), "task") for one in self.processes()]
        stats = [file for task in tasks for file in task.glob("*/schedstat")]
        return sum(int(file.read_text().split()[0]) for file in stats) / 1e9

    def stop(self) -> None:
        """Ask it to end; kill what is left of it after some seconds."""
        if self.process.poll() is not None:
            return
        family = self.processes()
        self.process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(8)
        for one in family:
            if one.is_running():
                one.kill()
        self.process.wait()


def _inherited() -> dict[str, str]:
    """What a shell may have set for `make run` is not for us."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "VIRTUAL_ENV", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ}
