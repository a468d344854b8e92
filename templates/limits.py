"""Where templates run: helper processes that can be killed, a small pool of them per process.

A helper is a fresh interpreter (never a fork of ours, so it is safe beside threads), started when
the first template needs one. It limits its own processor time per request and its memory; this side
limits wall-clock time, and kills. What a template did to its helper is over with it: after any
limit, any crash, and any exception in the caller, the helper is killed, reaped and replaced.

Helpers die with us. They read from a pipe that only this process can write to, and the kernel
closes it whatever way we end (PR_SET_PDEATHSIG would fire when the *thread* that started the helper
ends). A fork of ours inherits the pipes but must not use them: it closes them and starts helpers of
its own.
"""

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from templates.errors import BudgetExceeded, HelperUnavailable, RenderingFailed

MAX_ANSWER_BYTES = 8 * 1024 * 1024
REQUESTS_PER_HELPER = 1_000
"""After so many a helper is replaced, which bounds whatever it may have gathered."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What one request may use.

    cpu_seconds, wall_seconds: of the request alone.
    memory_bytes: beyond what an idle helper has (about 60 MB).
    start_seconds: for a helper to come up, imports included; also the wait for a free one.
    """

    cpu_seconds: float = 1.0
    wall_seconds: float = 5.0
    memory_bytes: int = 192 * 1024 * 1024
    start_seconds: float = 20.0


class Helper:
    """One helper process; used by one thread at a time."""

    def __init__(self, budget: Budget) -> None:
        """Raises HelperUnavailable when it does not come up in time."""
        self.budget = budget
        self.requests = 0
        root = Path(__file__).resolve().parent.parent
        command = [sys.executable, "-P", "-m", "templates.helper"]
        command += [str(budget.cpu_seconds), str(budget.memory_bytes)]
        try:
            self.process = subprocess.Popen(
                command,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=root,
                env={"PYTHONPATH": str(root), "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"},
            )
        except OSError as error:
            raise HelperUnavailable(f"No helper process could be started: {error}") from error
        self._requests: IO[bytes] = self.process.stdin  # type: ignore[assignment]
        self._answers: IO[bytes] = self.process.stdout  # type: ignore[assignment]
        os.set_blocking(self._requests.fileno(), False)
        try:
            self._read_line(budget.start_seconds)
        except (_Gone, _Late) as error:
            self.end()
            raise HelperUnavailable("A helper process did not come up; see its output.") from error
        except BaseException:
            self.end()
            raise

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request and wait for its answer. Raises BudgetExceeded, _Gone."""
        self.requests += 1
        try:
            self._write(json.dumps(request).encode() + b"\n", self.budget.wall_seconds)
            line = self._read_line(self.budget.wall_seconds)
        except _Late as error:
            raise BudgetExceeded(
                f"stopped after {self.budget.wall_seconds:g} seconds of wall-clock time"
            ) from error
        answer: dict[str, Any] = json.loads(line)
        return answer

    def end(self) -> int:
        """Kill, reap, close; returns the exit status, negative for a signal."""
        self.process.kill()
        status = self.process.wait()
        self._close_pipes()
        return status

    def abandon(self) -> None:
        """Let go of it, in a fork of the process whose child it is."""
        self._close_pipes()
        self.process.returncode = 0  # not ours to wait for

    def _close_pipes(self) -> None:
        self._requests.close()
        self._answers.close()

    def _write(self, line: bytes, seconds: float) -> None:
        deadline, descriptor = time.monotonic() + seconds, self._requests.fileno()
        rest = memoryview(line)
        while rest:
            _wait(descriptor, select.POLLOUT, deadline)
            try:
                rest = rest[os.write(descriptor, rest) :]
            except BlockingIOError:
                continue
            except BrokenPipeError as error:
                raise _Gone from error

    def _read_line(self, seconds: float) -> bytes:
        deadline, descriptor = time.monotonic() + seconds, self._answers.fileno()
        pieces: list[bytes] = []
        size = 0
        while True:
            _wait(descriptor, select.POLLIN, deadline)
            piece = os.read(descriptor, 1 << 16)
            size += len(piece)
            if not piece or size > MAX_ANSWER_BYTES:
                raise _Gone
            pieces.append(piece)
            if piece.endswith(b"\n"):
                return b"".join(pieces)


class Pool:
    """At most `size` helpers, shared by all threads of a process."""

    def __init__(self, *, size: int, budget: Budget | None = None) -> None:
        self.size = size
        self.budget = budget or Budget()
        self._forget()
        os.register_at_fork(after_in_child=self._after_fork)
        atexit.register(self.close)

    def ask(self, request: Mapping[str, Any]) -> Any:
        """The result of one request.

        Raises RenderingFailed for what the template did wrong, BudgetExceeded for what it used up,
        HelperUnavailable when no helper could be had. Safe in any thread; an exception thrown into
        the thread (a worker's time limit) costs the helper and nothing else.
        """
        if not self._free.acquire(timeout=self.budget.start_seconds):
            raise HelperUnavailable("Every helper process is busy.")
        try:
            return _result(self._answer(request))
        finally:
            self._end_leftover()
            self._free.release()

    def close(self) -> None:
        """End all helpers, idle and busy."""
        with self._lock:
            helpers = [*self._idle, *self._busy.values()]
            self._idle.clear()
            self._busy.clear()
        for helper in helpers:
            helper.end()

    def pids(self) -> list[int]:
        """The process ids of the living helpers."""
        with self._lock:
            return [helper.process.pid for helper in (*self._idle, *self._busy.values())]

    def _answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        helper = self._idle_helper()
        if helper is not None:
            try:
                return self._use(helper, request)
            except _Gone:
                # It may have died while idle, of something else: once more, on a fresh one.
                if helper.end() == -signal.SIGPROF:
                    raise BudgetExceeded(_cause(-signal.SIGPROF, self.budget)) from None
        helper = self._busy[threading.get_ident()] = Helper(self.budget)
        try:
            return self._use(helper, request)
        except _Gone:
            raise BudgetExceeded(_cause(helper.end(), self.budget)) from None

    def _use(self, helper: Helper, request: Mapping[str, Any]) -> dict[str, Any]:
        answer = helper.ask(request)
        if "exhausted" not in answer and helper.requests < REQUESTS_PER_HELPER:
            with self._lock:
                self._idle.append(helper)
                del self._busy[threading.get_ident()]
        return answer

    def _idle_helper(self) -> Helper | None:
        """One that lives, now this thread's."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                # First here, then out of there: an exception between the two loses no helper.
                helper = self._busy[threading.get_ident()] = self._idle[-1]
                self._idle.pop()
            if helper.process.poll() is None:
                return helper
            helper.end()

    def _end_leftover(self) -> None:
        """A helper that was not given back: something went wrong, whatever it was."""
        helper = self._busy.pop(threading.get_ident(), None)
        if helper is not None:
            helper.end()

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(self.size)
        self._idle: list[Helper] = []
        self._busy: dict[int, Helper] = {}  # by thread

    def _after_fork(self) -> None:
        for helper in (*self._idle, *self._busy.values()):
            helper.abandon()
        self._forget()


class _Gone(Exception):
    """The helper's pipe is closed: it has ended."""


class _Late(Exception):
    """The helper did not answer in time."""


def _wait(descriptor: int, event: int, deadline: float) -> None:
    poller = select.poll()
    poller.register(descriptor, event)
    left = deadline - time.monotonic()
    if left <= 0 or not poller.poll(left * 1_000):
        raise _Late


def _cause(status: int, budget: Budget) -> str:
    if status == -signal.SIGPROF:
        return f"stopped after {budget.cpu_seconds:g} seconds of processor time"
    return f"its helper process ended ({signal.Signals(-status).name if status < 0 else status})"


def _result(answer: Mapping[str, Any]) -> Any:
    if "result" in answer:
        return answer["result"]
    if "exhausted" in answer:
        raise BudgetExceeded(f"used up its {answer['exhausted']}")
    raise RenderingFailed(**answer["error"])


_pool: Pool | None = None
_pool_lock = threading.Lock()


def pool() -> Pool:
    """The pool of this process; nothing is started before the first template asks."""
    global _pool
    with _pool_lock:
        if _pool is None:
            _pool = Pool(size=max(1, min(4, os.cpu_count() or 1)))
        return _pool
