"""A server process that ends with the process that started it, and the lock on its data."""

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1
LONGEST_SOCKET_PATH = 103  # bytes, on the strictest system (104 with the closing zero)


class ServerFailed(Exception):
    """An embedded server cannot run; the text is one sentence for the person who started it."""


class AlreadyRunning(ServerFailed):
    """Another process has a server running on this data folder."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server. It ends when its starter does: `stop_signal` is sent to it then."""

    name: str
    process: subprocess.Popen[bytes]
    stop_signal: signal.Signals

    def stop(self, timeout_seconds: float = 30) -> None:
        """Shut down cleanly; kill what does not end in time."""
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def die_with_starter(stop_signal: signal.Signals) -> None:
    """Have the kernel send us `stop_signal` when the process that started us ends.

    Holds beyond `exec`. The kernel watches the *thread* that started us, so a starter does so from
    a thread that lives as long as it does, the main one. Only Linux can do this; elsewhere nothing
    happens.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(stop_signal))


def ends_with_starter(stop_signal: signal.Signals) -> Callable[[], None]:
    """What a child runs between fork and exec, so that it ends when we do."""
    starter = os.getpid()

    def arrange() -> None:
        die_with_starter(stop_signal)
        if os.getppid() != starter:  # it died before the line above
            os._exit(1)

    return arrange


def spawn(
    name: str,
    command: Sequence[str | os.PathLike[str]],
    *,
    stop_signal: signal.Signals,
    log: Path,
    lock: int,
    cwd: Path,
    uid: int | None = None,
    gid: int | None = None,
) -> Server:
    """Start a server in a session of its own, out of reach of Ctrl-C in the terminal.

    The server inherits the descriptor of the lock: the data folder counts as taken until the last
    of its processes is gone, whatever became of us.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            pass_fds=[lock],
            start_new_session=True,
            preexec_fn=ends_with_starter(stop_signal),
            user=uid,
            group=gid,
            extra_groups=None if uid is None else [],
        )
    return Server(name=name, process=process, stop_signal=stop_signal)


@contextmanager
def locked(path: Path, *, patience_seconds: float = 5) -> Iterator[int]:
    """Hold the lock of a data folder; the server that is started inside inherits it.

    A server whose starter was killed needs a moment to end, so a taken lock is tried again for
    `patience_seconds` before `AlreadyRunning` is raised.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + patience_seconds
    try:
        while not _taken(descriptor):
            if time.monotonic() > deadline:
                raise AlreadyRunning(
                    f"A server is already running on {path.parent}; stop it first (Ctrl-C where "
                    "`make run` runs), or set DATA_DIR to another folder."
                )
            time.sleep(0.05)
        yield descriptor
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_ready(
    server: Server, answers: Callable[[], bool], *, log: Path, timeout_seconds: float = 60
) -> None:
    """Wait until the server answers; a server that ends or stays silent raises `ServerFailed`."""
    deadline = time.monotonic() + timeout_seconds
    while not answers():
        ended = server.process.poll() is not None
        if ended or time.monotonic() > deadline:
            server.stop(timeout_seconds=5)
            what = "ended at once" if ended else f"did not answer within {timeout_seconds:.0f} s"
            raise ServerFailed(f"{server.name} {what}; its last words in {log}: {last_words(log)}")
        time.sleep(0.02)


def last_words(log: Path, lines: int = 3) -> str:
    text = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return " | ".join(line[:300] for line in text[-lines:]) or "(none)"


def check_socket_path(path: Path) -> None:
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        raise ServerFailed(
            f"The socket path {path} is longer than the {LONGEST_SOCKET_PATH} bytes that this "
            "system allows; choose a shorter folder."
        )
