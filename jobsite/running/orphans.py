"""What is left when a program's own parent is killed: it comes to us, and we end it.

A dramatiq worker whose master was killed goes on working, beside the line that the supervisor
starts anew, and would outlive us. As its new parent we see it, and one SIGTERM lets it finish.
"""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterable

import psutil

PR_SET_CHILD_SUBREAPER = 36


def adopt() -> None:
    """Become the parent of all descendants that lose theirs (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1)


class Orphans:
    """Children that we did not start: asked to end once each, killed `grace_seconds` later.

    Killed, because one that lost its master while it booted waits for it for ever: Dramatiq tells
    the master that a worker is up through a condition that both must attend.
    """

    def __init__(self, *, grace_seconds: float) -> None:
        self.grace_seconds = grace_seconds
        self._asked: dict[int, float] = {}

    def tend(self, known: Iterable[int]) -> None:
        """Take care of each as far as its time has come, and bury those that have ended."""
        for child in self._found(known):
            if child.status() == psutil.STATUS_ZOMBIE:
                os.waitpid(child.pid, os.WNOHANG)
                self._asked.pop(child.pid, None)
            elif child.pid not in self._asked:
                self._asked[child.pid] = time.monotonic()
                child.send_signal(signal.SIGTERM)
            elif time.monotonic() - self._asked[child.pid] > self.grace_seconds:
                child.kill()

    def end(self, known: Iterable[int]) -> None:
        """Wait for them, and kill what stays."""
        self.tend(known)
        _, staying = psutil.wait_procs(self._found(known), timeout=self.grace_seconds)
        for child in staying:
            child.kill()

    def _found(self, known: Iterable[int]) -> list[psutil.Process]:
        ours = set(known)
        return [child for child in psutil.Process().children() if child.pid not in ours]
