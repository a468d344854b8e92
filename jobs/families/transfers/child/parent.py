"""Start the process that reads a file, hear what it finds, and end it.

The child is a fresh interpreter (never a fork of ours: safe beside threads) with an empty
environment. It limits its memory and its processor time; this side limits how long we wait for it,
and kills. It lives no longer than we do: it watches a pipe that only this process can write to.
"""

import contextlib
import fcntl
import json
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Literal, Self

from jobs.families.transfers.child import protocol
from jobs.families.transfers.child.protocol import Frame
from jobs.families.transfers.files.limits import Limits

ROOT = Path(__file__).resolve().parents[4]
MODULE = "jobs.families.transfers.child.main"
EXIT_MEMORY = 77
"""The child's own word for having met its limit of memory."""
PIPE_BYTES = 1024 * 1024
LOOK_SECONDS = 0.25

Verb = Literal["survey", "rows", "report"]
Code = Literal["memory_limit", "cpu_limit", "time_limit", "crashed"]


class ChildFailed(Exception):
    """The child ended without an answer. `code` says why; what it may have printed is not kept.

    where: for `crashed`, the line of ours at which it happened, when it could still say so.
    """

    def __init__(self, code: Code, where: str = "") -> None:
        super().__init__(f"The process that reads the file ended: {code} {where}".rstrip())
        self.code = code
        self.where = where


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessLimits:
    """What one child may use.

    memory_bytes: of data of its own. cpu_seconds: in all. wall_seconds: of waiting for it; time in
    which it waits for us does not count. out_bytes: of a file it writes.
    """

    memory_bytes: int = 1024 * 1024 * 1024
    cpu_seconds: int = 1_200
    wall_seconds: float = 1_800
    out_bytes: int = 8 * 1024 * 1024 * 1024


class Child:
    """One child, for one verb on one file: `with Child(…) as child: for frame in child: …`.

    Leaving the block kills it, whatever it was doing. While we wait, `check` is called four times a
    second; what it raises (a job that was cancelled) ends the wait.
    """

    def __init__(
        self,
        path: Path,
        verb: Verb,
        spec: Mapping[str, Any],
        limits: Limits | None = None,
        *,
        process: ProcessLimits | None = None,
        check: Callable[[], None] | None = None,
    ) -> None:
        self._limits = process or ProcessLimits()
        self._waited = 0.0
        self._check = check or (lambda: None)
        request = {
            "path": str(path),
            "verb": verb,
            "spec": dict(spec),
            "limits": asdict(limits or Limits()),
            "process": asdict(self._limits),
        }
        self._request = json.dumps(request).encode() + b"\n"

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", MODULE],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env={
                "PYTHONPATH": str(ROOT),
                "PYTHONUTF8": "1",
                "PYTHONDONTWRITEBYTECODE": "1",
                "ARROW_DEFAULT_MEMORY_POOL": "system",
                "OMP_NUM_THREADS": "1",
            },
        )
        self._requests: IO[bytes] = self._process.stdin  # type: ignore[assignment]
        self._answers: IO[bytes] = self._process.stdout  # type: ignore[assignment]
        with contextlib.suppress(OSError, AttributeError):  # a larger pipe is only faster
            fcntl.fcntl(self._answers.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        return self

    def __exit__(self, *exc: object) -> None:
        self.kill()

    def __iter__(self) -> Iterator[Frame]:
        """Frames up to the one that ends it. Raises ChildFailed, and whatever `check` raises."""
        try:
            self._send()
            while True:
                frame = self._frame()
                if frame.kind == "failed":
                    raise ChildFailed("crashed", str(frame.head.get("where", "")))
                yield frame
                if frame.kind in ("survey", "end", "written", "refused"):
                    return
        except (_Gone, BrokenPipeError):
            raise self._failure() from None
        except protocol.BrokenFrame as error:
            self.kill()
            raise ChildFailed("crashed", str(error)) from None

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def kill(self) -> None:
        """End it, now; again does nothing."""
        self._process.kill()
        self._process.wait()
        self._requests.close()
        self._answers.close()

    def _send(self) -> None:
        self._requests.write(self._request)

    def _frame(self) -> Frame:
        head_bytes, body_bytes = protocol.lengths(bytes(self._read(protocol.LENGTHS.size)))
        head = self._read(head_bytes)
        return protocol.frame(bytes(head), bytes(self._read(body_bytes)))

    def _read(self, size: int) -> bytearray:
        buffer, filled = bytearray(size), 0
        view = memoryview(buffer)
        while filled < size:
            self._wait()
            count = self._answers.readinto(view[filled:])  # type: ignore[attr-defined]
            if not count:
                raise _Gone
            filled += count
        return buffer

    def _wait(self) -> None:
        """Until there is something to read. Raises ChildFailed after too long."""
        poller = select.poll()
        poller.register(self._answers, select.POLLIN)
        while True:
            before = time.monotonic()
            ready = poller.poll(LOOK_SECONDS * 1_000)
            self._waited += time.monotonic() - before
            if ready:
                return
            self._check()
            if self._waited > self._limits.wall_seconds:
                self.kill()
                raise ChildFailed("time_limit")

    def _failure(self) -> ChildFailed:
        status = self._process.wait()
        if status == -signal.SIGXCPU:
            return ChildFailed("cpu_limit")
        # SIGKILL that is not ours is the kernel's, when the machine has no memory left.
        if status in (EXIT_MEMORY, -signal.SIGKILL):
            return ChildFailed("memory_limit")
        return ChildFailed("crashed", signal.Signals(-status).name if status < 0 else str(status))


class _Gone(Exception):
    """The child's pipe is closed: it has ended, or will now."""
