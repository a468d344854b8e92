"""The statements of running jobs, so that they can be ended.

An exception raised in a thread that waits for PostgreSQL is heard when PostgreSQL has answered, be
it after an hour. So what a job waits for is cancelled, when its time limit or this worker's grace
time is over.

PostgreSQL cancels whatever the connection does when the request arrives. So a thread does not leave
its message while one is on its way; and where nobody knows whether it arrived, the next message
gets another connection.
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import psycopg
import structlog
from django.db import DEFAULT_DB_ALIAS, connections

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
# Dramatiq looks once a second whether a limit is over, and then raises in the thread. We come after
# it, so that what the job fails of is its limit and not our cancelling.
BEHIND_SECONDS = 2.0
CANCEL_SECONDS = 5.0


@dataclass(kw_only=True)
class _Running:
    deadline: float  # monotonic; infinite: no limit, or cancelled already
    wrapper: Any  # Django's, of the thread; its psycopg connection takes a cancel from any thread
    lock: threading.Lock = field(default_factory=threading.Lock)  # held while a request is underway
    is_over: bool = False
    is_in_doubt: bool = False  # a request may still arrive


class RunningStatements:
    """The threads that run messages; looked after from a thread of its own.

    overdue: asked at each look; interrupts what somebody wants to end, and gives the threads, each
    of which stays with its job until the next is asked for.
    """

    def __init__(self, *, overdue: Callable[[], Iterable[int]] = lambda: ()) -> None:
        self._overdue = overdue
        self._running: dict[int, _Running] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._live, name="statements", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=CANCEL_SECONDS)

    def enter(self, *, limit_ms: float | None) -> None:
        """This thread runs a message now, for so long at most."""
        limit = float("inf") if limit_ms is None else limit_ms / 1000
        self._running[threading.get_ident()] = _Running(
            deadline=time.monotonic() + limit, wrapper=connections[DEFAULT_DB_ALIAS]
        )

    def leave(self) -> None:
        """This thread runs none any more; returns when no request to cancel is on its way."""
        running = self._running.pop(threading.get_ident(), None)
        if running is None:
            return
        with running.lock:
            running.is_over = True
        if running.is_in_doubt:
            running.wrapper.close()

    def threads(self) -> list[int]:
        """Those that run a message."""
        return list(self._running)

    def cancel_all(self) -> None:
        """Cancel what they wait for."""
        for running in list(self._running.values()):
            _cancel(running)

    def _live(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            late = time.monotonic() - BEHIND_SECONDS
            for running in list(self._running.values()):
                if running.deadline < late:
                    _cancel(running)
            for thread_id in self._overdue():
                if running_there := self._running.get(thread_id):
                    _cancel(running_there)


def _cancel(running: _Running) -> None:
    with running.lock:
        running.deadline = float("inf")  # once: what is written about it afterwards must go through
        connection = running.wrapper.connection
        if running.is_over or connection is None:
            return
        try:
            connection.cancel_safe(timeout=CANCEL_SECONDS)
        except psycopg.Error as error:
            running.is_in_doubt = True
            log.warning("statement_not_cancelled", error=str(error))
