"""What is left when a program's own parent is killed: it comes to us, and we end it.

A dramatiq worker whose master was killed goes on working, beside the line that the supervisor
starts anew, and would outlive us. As its new parent we see it, and one SIGTERM lets it finish.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Iterable

import psutil

PR_SET_CHILD_SUBREAPER = 36


def adopt() -> None:
    """Become the parent of all descendants that lose theirs (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1)


class Orphans:
    def __init__(self) -> None:
        self._asked: set[int] = set()

    def tend(self, known: Iterable[int]) -> None:
        """Ask children that we did not start to end, once each, and bury those that have."""
        for child in self._found(known):
            if child.status() == psutil.STATUS_ZOMBIE:
                os.waitpid(child.pid, os.WNOHANG)
                self._asked.discard(child.pid)
            elif child.pid not in self._asked:
                self._asked.add(child.pid)
                child.send_signal(signal.SIGTERM)

    def end(self, known: Iterable[int], *, grace_seconds: float) -> None:
        """Wait for them, and kill what stays."""
        self.tend(known)
        _, staying = psutil.wait_procs(self._found(known), timeout=grace_seconds)
        for child in staying:
            child.kill()

    def _found(self, known: Iterable[int]) -> list[psutil.Process]:
        ours = set(known)
        return [child for child in psutil.Process().children() if child.pid not in ours]
