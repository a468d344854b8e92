"""From nothing to the running product, step by step, and back."""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from django.conf import settings

from jobsite import environment
from jobsite.embedded import postgres, process, valkey
from jobsite.embedded.account import Account
from jobsite.embedded.process import AlreadyRunning, Server, ServerFailed
from jobsite.embedded.requirements import postgres_complaint, redis_complaint
from jobsite.running import health, ports, programs, supervisor, table
from jobsite.running.orphans import Orphans, adopt
from jobsite.running.supervisor import Supervisor
from jobsite.secret import unusable

READY_SECONDS = 120
LOOPBACK = "127.0.0.1"


class Stop(BaseException):
    """Someone asked us to stop, by Ctrl-C or SIGTERM."""


class StepFailed(Exception):
    """A step of the start failed; the text says which and why."""


class Run:
    """One `make run`. Servers first, then what uses them; stopped in the opposite order."""

    def __init__(self) -> None:
        self.data: Path = settings.DATA_DIR
        self.run = self.data / "run"
        self.logs = self.data / "logs"
        self.servers: dict[str, Server] = {}
        self.starters: dict[str, Callable[[], Server]] = {}
        self.supervisor: Supervisor | None = None
        self.orphans = Orphans(grace_seconds=settings.WORKER_GRACE_SECONDS)

    def __call__(self) -> None:
        with ExitStack() as last:
            self.make_data_folder()
            last.enter_context(self.alone())
            last.callback(self.stop_servers)
            self.prepare_folders()
            self.choose_ports()
            self.start_servers()
            self.migrate()
            self.seed_once()
            last.callback(self.stop_programs)
            self.start_programs()
            self.wait_until_ready()
            table.show(self.ports, logs=self.logs)
            print("Ctrl-C stops all of it; data stay.", flush=True)
            self.watch()

    # -- the start ----------------------------------------------------------------------------

    def make_data_folder(self) -> None:
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            self.logs.chmod(0o700)  # log lines name people and addresses
            (self.data / "run.lock").touch()
        except OSError as error:
            raise StepFailed(str(unusable(self.data, error))) from None

    @contextmanager
    def alone(self) -> Iterator[None]:
        try:
            with process.locked(self.data / "run.lock", patience_seconds=2):
                yield
        except AlreadyRunning:
            raise StepFailed(
                f"It is running already, with the data in {self.data}: stop it first, or set "
                "DATA_DIR to another folder (and PORT) for a second one."
            ) from None

    def prepare_folders(self) -> None:
        shutil.rmtree(self.run, ignore_errors=True)
        (self.run / "metrics").mkdir(parents=True)
        if not settings.PLACES.sockets.is_dir():
            Account(uid=None, gid=None).make_private(settings.PLACES.sockets)

    def choose_ports(self) -> None:
        self.ports: dict[str, int] = {}
        for name in ("PORT", "RECEIVERS_SMTP_PORT", "RECEIVERS_WEB_PORT"):
            wanted = getattr(settings, name)
            self.ports[name] = ports.choose(name, wanted, set(self.ports.values()))
        added = programs.environment(self.ports, self.run / "metrics")
        given = {name: value for name, value in os.environ.items() if value and name in added}
        os.environ.update(
            added | given | {"DATA_DIR": str(self.data), **texts(self.ports)},
            DJANGO_SETTINGS_MODULE="jobsite.settings",
        )

    def start_servers(self) -> None:
        places = settings.PLACES
        if os.environ.get("DATABASE_URL"):
            complain(postgres_complaint(settings.DATABASE_URL))
        else:
            self.start_server("PostgreSQL", lambda: postgres.start(places))
        if os.environ.get("REDIS_URL"):
            complain(redis_complaint(settings.REDIS_URL))
        else:
            self.start_server("Valkey", lambda: valkey.start(places, persistent=True))

    def start_server(self, name: str, starter: Callable[[], Server]) -> None:
        self.starters[name] = starter
        with progress(name):
            self.servers[name] = starter()

    def migrate(self) -> None:
        with progress("Migrations"):
            self.command("migrate", "--verbosity=0", "--skip-checks")

    def seed_once(self) -> None:
        """Demo data, on the first start only: the mark is written when all of them are there.

        It holds the port of the receivers, which the demo's endpoints follow at a later start.
        """
        mark = self.data / "demo.seeded"
        port = str(self.ports["RECEIVERS_WEB_PORT"])
        if not mark.exists():
            if environment.text("BIND", LOOPBACK) != LOOPBACK:
                raise StepFailed(
                    "BIND lets other machines in, and the demo's logins have a password that "
                    "everybody knows: start once without BIND, change them, then set it; or run "
                    "what the Procfile names, which brings no demo."
                )
            with progress("Demo data (first start only)"):
                self.command("demo")
        elif mark.read_text() != port:
            with progress(f"Webhooks of the demo to port {port}"):
                self.command("demo", "--follow")
        mark.write_text(port)

    def command(self, *arguments: str) -> None:
        log = self.logs / f"{arguments[0]}.log"
        with log.open("wb") as output:
            done = subprocess.run(
                programs.manage(*arguments),
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=process.ends_with_starter(signal.SIGTERM),
            )
        if done.returncode:
            raise StepFailed(
                f"manage.py {arguments[0]} failed: {process.last_words(log, 1)} (more in {log})"
            )

    def start_programs(self) -> None:
        self.supervisor = supervisor.start(
            programs.programs(self.ports, settings.RECEIVERS_SECRETS_FILE),
            run=self.run,
            logs=self.logs,
            socket=settings.PLACES.sockets / "supervisor.sock",
            directory=settings.BASE_DIR,
        )

    def wait_until_ready(self) -> None:
        with progress("Web, workers, scheduler, receivers"):
            deadline = time.monotonic() + READY_SECONDS
            while waiting := self.not_ready():
                if time.monotonic() > deadline:
                    raise StepFailed(f"Not up after {READY_SECONDS} s: {waiting}")
                time.sleep(0.1)

    def not_ready(self) -> str:
        """What is not up yet; empty when all is."""
        states = self.supervisor.states() if self.supervisor else {}
        for name, state in (states or {"supervisor": "STARTING"}).items():
            if state != "RUNNING":
                return f"{name}, whose log says: {process.last_words(self.logs / f'{name}.log')}"
        return health.complaint(f"http://127.0.0.1:{self.ports['PORT']}/readyz")

    # -- while it runs ------------------------------------------------------------------------

    def watch(self) -> None:
        """Until we are told to stop: restart a server that ended, end orphans."""
        never = threading.Event()
        while self.supervisor and self.supervisor.process.poll() is None:
            self.orphans.tend(self.known())
            for name, server in self.servers.items():
                if server.process.poll() is not None:
                    print(f"{name} ended by itself; starting it again.", flush=True)
                    self.servers[name] = self.starters[name]()
            never.wait(1)
        raise StepFailed(f"The supervisor ended by itself; see {self.logs / 'supervisor.log'}.")

    def known(self) -> list[int]:
        pids = [server.process.pid for server in self.servers.values()]
        return [*pids, self.supervisor.process.pid] if self.supervisor else pids

    # -- the end ------------------------------------------------------------------------------

    def stop_programs(self) -> None:
        if self.supervisor:
            with progress("Stopping; running jobs finish"):
                self.supervisor.stop()
                self.orphans.end(self.known())

    def stop_servers(self) -> None:
        for server in reversed(self.servers.values()):
            server.stop()
        shutil.rmtree(settings.PLACES.sockets, ignore_errors=True)


def texts(numbers: dict[str, int]) -> dict[str, str]:
    return {name: str(number) for name, number in numbers.items()}


def complain(sentence: str) -> None:
    if sentence:
        raise StepFailed(sentence)


@contextmanager
def progress(what: str) -> Iterator[None]:
    began = time.monotonic()
    print(f"  {what} … ", end="", flush=True)
    try:
        yield
    except BaseException:
        print(flush=True)
        raise
    print(f"{time.monotonic() - began:.1f} s", flush=True)


def on_signal(number: int, frame: FrameType | None) -> NoReturn:
    # Whoever asks twice is heard once: the end is under way, and cutting it short loses work.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise Stop


def main() -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    adopt()
    try:
        Run()()
    except Stop:
        print("Stopped.")
        return 0
    except (StepFailed, ServerFailed, ports.PortTaken) as error:
        print(error)
        return 1
    return 0
