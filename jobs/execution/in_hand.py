"""What this worker process has in hand: every job that it claimed and whose end is not written yet.

Shared by the consumer threads, which claim, the worker threads, which run, and the threads that
interrupt: the listener, the heartbeat, the end of the grace time. A job is interrupted only while
its actor runs, never while its end is written.

Kept by job and fence: a process that was frozen for longer than its lease may be given the same job
again while its first actor still runs, and the end of that one must not hide the second.
"""

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import structlog
from dramatiq.threading import raise_thread_exception

from jobs.errors import Cancelled
from jobs.ledger.transitions import Claimed, JobRef

log = structlog.get_logger(__name__)

# How long an actor has, once its end was asked for, to come to a check by itself.
CANCEL_GRACE = timedelta(seconds=5)

type Claim = tuple[JobRef, int]  # `Claimed.fenced`


@dataclass(kw_only=True)
class Held:
    """One job of this worker.

    job: as it was claimed; None where it runs without having been taken.
    thread_id: of the thread in which its actor runs now, or None. began: when that began, by this
    process's monotonic clock.
    asked_at: monotonic, when its end was asked for, or None.
    """

    job: Claimed | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    thread_id: int | None = None
    began: float | None = None
    asked_at: float | None = None
    is_interrupted: bool = False


class InHand:
    """The jobs of one process; safe from any thread."""

    def __init__(self) -> None:
        self._jobs: dict[Claim, Held] = {}
        self._expected: dict[JobRef, float | None] = {}  # and when their end was asked for

    @contextmanager
    def expecting(self, refs: Sequence[JobRef]) -> Iterator[None]:
        """They are being claimed: whoever asks for the end of one of them meanwhile is heard."""
        self._expected.update(dict.fromkeys(refs))
        try:
            yield
        finally:
            for ref in refs:
                self._expected.pop(ref, None)

    def take(self, job: Claimed) -> None:
        """It was claimed."""
        held = self._jobs.setdefault(job.fenced, Held(job=job))
        # After it is there, so that one of the two is seen by whoever asks for its end now.
        if asked_at := self._expected.get(job.ref):
            held.asked_at = asked_at

    def drop(self, job: Claimed) -> None:
        """It ended, or went back."""
        self._jobs.pop(job.fenced, None)

    def __contains__(self, ref: JobRef) -> bool:
        return ref in self.refs()

    def refs(self) -> set[JobRef]:
        """All."""
        return {ref for ref, _ in list(self._jobs)}

    def claimed(self) -> list[Claimed]:
        """All, as they were claimed, the first first."""
        return [held.job for held in list(self._jobs.values()) if held.job is not None]

    def running(self) -> list[tuple[UUID, timedelta]]:
        """Those whose actors run, and for how long."""
        now = time.monotonic()
        return [
            (ref.job_id, timedelta(seconds=now - held.began))
            for (ref, _), held in list(self._jobs.items())
            if held.thread_id is not None and held.began is not None
        ]

    @contextmanager
    def acting(self, job: Claimed) -> Iterator[None]:
        """The actor runs in this thread, and may be interrupted until the block ends."""
        held = self._jobs.setdefault(job.fenced, Held())
        with held.lock:
            held.thread_id = threading.get_ident()
            held.began = job.began
        try:
            yield
        finally:
            with held.lock:
                held.thread_id = None

    def ask_to_end(self, refs: Iterable[JobRef]) -> None:
        """Somebody wants these jobs to end; those that are not here are somebody else's."""
        wanted, now = set(refs), time.monotonic()
        for ref in wanted & self._expected.keys():
            self._expected[ref] = now
        for (ref, _), held in list(self._jobs.items()):
            if ref in wanted and held.asked_at is None:
                held.asked_at = now

    def is_asked_to_end(self, job: Claimed) -> bool:
        """Whether somebody wants it to end."""
        held = self._jobs.get(job.fenced)
        return held is not None and held.asked_at is not None

    def interrupt_overdue(self) -> Iterator[int]:
        """Raise `Cancelled` in the actors that did not come to a check; gives their threads.

        Each stays with its job until the next one is asked for.
        """
        since = time.monotonic() - CANCEL_GRACE.total_seconds()
        for (ref, _), held in list(self._jobs.items()):
            if held.asked_at is None or held.asked_at > since or held.is_interrupted:
                continue
            with held.lock:
                if held.thread_id is None:
                    continue
                held.is_interrupted = True
                raise_thread_exception(held.thread_id, Cancelled)
                yield held.thread_id
            log.info("job_interrupted", job_id=str(ref.job_id))


in_hand = InHand()
