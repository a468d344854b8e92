"""The whole product in a temporary folder, for the check of the demo: servers, workers, receivers.

Everything is started here and ended here. The settings of this process must point to the folder
before Django reads them, so `prepare` comes first.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from jobsite.demo.receivers import Receivers
from jobsite.embedded import postgres, process, valkey
from jobsite.embedded.places import Places

# What a user's own servers and choices would change; the check has servers of its own.
_NOT_OURS = (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "REDIS_URL",
    "EMAIL_URL",
    "OBJECT_STORE_URL",
    "PUBLIC_URL",
)
_GRACE_SECONDS = 10


class Stage:
    """Servers and processes in one folder. Use `open_stage`."""

    def __init__(self, folder: Path, receivers: Receivers) -> None:
        self.folder = folder
        self.receivers = receivers
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start_servers(self, last: ExitStack) -> None:
        """PostgreSQL and Valkey, stopped when `last` closes. Raises ServerFailed."""
        places = Places.of(self.folder)
        last.callback(shutil.rmtree, places.sockets, ignore_errors=True)
        for server in (
            postgres.start(places, options=["-c", "fsync=off"]),
            valkey.start(places, persistent=False),
        ):
            last.callback(server.stop)

    def migrate(self) -> Self:
        """Make the tables."""
        self.run("migrate", "--verbosity=0", "--skip-checks")
        return self

    def run(self, *arguments: str) -> None:
        """A management command, to its end. Raises CalledProcessError."""
        subprocess.run([*_manage(), *arguments], check=True, stdout=sys.stderr)

    def start(self, name: str, *arguments: str) -> None:
        """A management command that goes on; its words go to `{name}.log` in the folder."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [*_manage(), *arguments],
                env=os.environ | {"LOG_LEVEL": "info"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=process.ends_with_starter(signal.SIGTERM),
            )

    def start_workers(self) -> None:
        """One process for all groups, as `make run` has."""
        groups = ("notifications", "indexing", "backfill", "audit")
        more = ("--skip-logging", "--processes=1", "--threads=4", "--queues", *groups)
        self.start("workers", "rundramatiq", *more)

    def kill_workers(self) -> None:
        """`kill -9` of the master and its worker: nothing is given back, nothing said."""
        import psutil

        master = psutil.Process(self._processes.pop("workers").pid)
        for victim in [*master.children(recursive=True), master]:
            victim.kill()

    def stop(self) -> None:
        """End what was started, the gentle way first."""
        for started in self._processes.values():
            started.send_signal(signal.SIGTERM)
        for started in self._processes.values():
            try:
                started.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(started.pid, signal.SIGKILL)
                started.wait()


@contextmanager
def open_stage() -> Iterator[Stage]:
    """A stage with empty, migrated servers and receivers; nothing of it is left afterwards."""
    with ExitStack() as last:
        folder = Path(last.enter_context(TemporaryDirectory(prefix="control-plane-demo-")))
        folder.chmod(0o711)  # as root, PostgreSQL runs as another user and must pass through
        receivers = last.enter_context(Receivers())
        prepare(folder, receivers)
        stage = Stage(folder, receivers)
        stage.start_servers(last)
        last.callback(stage.stop)
        yield stage.migrate()


def prepare(folder: Path, receivers: Receivers) -> None:
    """Point the settings of this process and of those it starts to the stage."""
    for name in _NOT_OURS:
        os.environ.pop(name, None)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "jobsite.settings",
        "DATA_DIR": str(folder),
        "RECEIVERS_SMTP_PORT": str(receivers.smtp_port),
        "RECEIVERS_WEB_PORT": str(receivers.web_port),
        "WEBHOOK_ALLOW_HTTP": "true",
        "WEBHOOK_ALLOWED_HOSTS": "127.0.0.1",
        "WEBHOOK_ALLOWED_PORTS": f"443,{receivers.web_port}",
        # Short, so that a killed worker's jobs come back while somebody watches.
        "JOBS_LEASE_SECONDS": "2",
        "JOBS_HEARTBEAT_SECONDS": "1",
        "JOBS_RETRY_SCALE": "0",
        "LOG_FORMAT": "json",
        # Of this process; what it starts logs whole, into the folder.
        "LOG_LEVEL": "error",
    }


def wait_until(what: str, look: Callable[[], bool], *, seconds: float = 60) -> None:
    """Raise TimeoutError, saying what was waited for, when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not look():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s for: {what}")
        time.sleep(0.05)


def _manage() -> list[str]:
    return [sys.executable, str(Path(__file__).resolve().parents[2] / "manage.py")]
