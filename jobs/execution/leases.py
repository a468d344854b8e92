"""This worker's sign of life in PostgreSQL, which keeps the claims of all its jobs live.

One row and one UPDATE per worker and heartbeat, however many jobs run. The lease in Redis decides
redelivery only; whether a claim still holds is decided here. How long a lease lasts is the setting
JOBS_LEASE_SECONDS, 30 by default.
"""

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Sequence
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import Error, connection, transaction

from jobs.errors import LeaseLost
from jobs.execution.in_hand import in_hand
from jobs.ledger import transitions
from jobs.ledger.statements import run, statement
from jobs.ledger.transitions import Claimed
from tenancy.postgresql.flush import UNHURRIED, committed
from tenancy.scope import engine_scope, scope

log = structlog.get_logger(__name__)

# How soon to try again while the database does not answer: until it has seen this worker, its
# claims are not live.
UNSEEN_SECONDS = 1.0


def lease() -> timedelta:
    """How long after its worker's last sign of life a claim is still live."""
    return timedelta(seconds=settings.JOBS_LEASE_SECONDS)


class Leases:
    """Beats until it is stopped, in a thread of its own."""

    def __init__(self) -> None:
        # Not the pid alone: a machine reuses them, and a claim must not outlive its process.
        self.worker_id = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._groups: list[str] = []
        self._abandoned: list[Claimed] = []
        self._unstarted: list[Claimed] = []
        self._kept_since = self._kept_until = 0.0  # monotonic
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, groups: Sequence[str]) -> None:
        """Enter this worker into the ledger, as soon as the database answers, and keep it there."""
        self._groups = sorted(groups)
        self._stopping.clear()
        is_entered = self._try_to_beat()
        self._thread = threading.Thread(
            target=self._live, args=[is_entered], name="leases", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Sign off: claims that are left end now, not a lease later."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
        try:
            self._release()
            with engine_scope(), transaction.atomic():
                run("sign_off", {"id": self.worker_id})
        except Error:
            log.warning("worker_sign_off_failed", worker_id=self.worker_id)

    def abandon(self, job: Claimed) -> None:
        """Give a job back once the database answers again: how it ended could not be written."""
        with self._lock:
            self._abandoned.append(job)

    def give_back(self, jobs: Sequence[Claimed]) -> None:
        """Give unstarted jobs back, now or once the database answers again."""
        with self._lock:
            self._unstarted.extend(jobs)
        for job in jobs:
            in_hand.drop(job)
        try:
            self._give_back_unstarted()
        except Error as error:
            log.warning("jobs_not_given_back", error=str(error))
            connection.close()

    def have_held(self, since: float) -> bool:
        """Whether no lease of this worker can have ended since that moment of the monotonic clock.

        What it claimed before then, others may have by now: it has stood still, or PostgreSQL was
        away, for longer than a lease.
        """
        return self._kept_since <= since and time.monotonic() < self._kept_until

    def _live(self, is_seen: bool) -> None:
        while not self._stopping.wait(
            settings.JOBS_HEARTBEAT_SECONDS if is_seen else UNSEEN_SECONDS
        ):
            is_seen = self._try_to_beat()
        connection.close()

    def _try_to_beat(self) -> bool:
        try:
            self._beat()
            self._release()
        except Exception as error:  # noqa: BLE001 - a thread that ends here ends all our claims
            log.warning("worker_heartbeat_failed", worker_id=self.worker_id, error=str(error))
            connection.close()
            return False
        return True

    def _beat(self) -> None:
        at, running = time.monotonic(), in_hand.running()
        beat = statement(
            "beat",
            {
                "id": self.worker_id,
                "host": socket.gethostname(),
                "pid": os.getpid(),
                "queue_groups": json.dumps(self._groups),
                "version": settings.VERSION,
                "begun": [job_id for job_id, _ in running],
                "ran": [ran for _, ran in running],
            },
        )
        asked = transitions.asking_whether_to_end(in_hand.refs(), worker_id=self.worker_id)
        with engine_scope():
            answers = committed(UNHURRIED, beat, asked)
        if at >= self._kept_until:
            self._kept_since = at
        self._kept_until = at + settings.JOBS_LEASE_SECONDS
        in_hand.ask_to_end(transitions.asked_to_end(answers))

    def _release(self) -> None:
        self._give_back_unstarted()
        self._release_abandoned()

    def _give_back_unstarted(self) -> None:
        with self._lock:
            jobs = list(self._unstarted)
        if jobs:
            with scope({job.organization_id for job in jobs}), transaction.atomic():
                transitions.give_back(jobs)
        with self._lock:
            self._unstarted = [job for job in self._unstarted if job not in jobs]

    def _release_abandoned(self) -> None:
        while self._abandoned:
            with self._lock:
                job = self._abandoned[0]
            try:
                with scope(job.ref.organization_id), transaction.atomic():
                    transitions.release(job)
            except LeaseLost:
                log.info("job_lease_lost", job_id=str(job.ref.job_id), fence=job.fence)
            with self._lock:
                self._abandoned.remove(job)


leases = Leases()
