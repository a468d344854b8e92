"""This worker's sign of life in PostgreSQL, which keeps the claims of all its jobs live.

One row and one UPDATE per worker and heartbeat, however many jobs run. The lease in Redis decides
redelivery only; whether a claim still holds is decided here.
"""

import json
import os
import socket
import threading
import uuid
from collections.abc import Sequence
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import Error, connection, transaction

from jobs.errors import LeaseLost
from jobs.ledger import transitions
from jobs.ledger.statements import run
from jobs.ledger.transitions import Claimed
from tenancy.scope import engine_scope, scope

log = structlog.get_logger(__name__)


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
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, groups: Sequence[str]) -> None:
        """Enter this worker into the ledger, and keep it there. Raises what the database raises."""
        self._groups = sorted(groups)
        self._stopping.clear()
        self._beat()
        self._thread = threading.Thread(target=self._live, name="leases", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Sign off: claims that are left end now, not a lease later."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
        try:
            with engine_scope(), transaction.atomic():
                run("sign_off", {"id": self.worker_id})
        except Error:
            log.warning("worker_sign_off_failed", worker_id=self.worker_id)

    def abandon(self, job: Claimed) -> None:
        """Give a job back once the database answers again: how it ended could not be written."""
        with self._lock:
            self._abandoned.append(job)

    def _live(self) -> None:
        while not self._stopping.wait(settings.JOBS_HEARTBEAT_SECONDS):
            try:
                self._beat()
                self._release_abandoned()
            except Error as error:
                log.warning("worker_heartbeat_failed", worker_id=self.worker_id, error=str(error))
                connection.close()
        connection.close()

    def _beat(self) -> None:
        with engine_scope(), transaction.atomic():
            run(
                "beat",
                {
                    "id": self.worker_id,
                    "host": socket.gethostname(),
                    "pid": os.getpid(),
                    "queue_groups": json.dumps(self._groups),
                    "version": settings.VERSION,
                },
            )

    def _release_abandoned(self) -> None:
        with self._lock:
            abandoned, self._abandoned = self._abandoned, []
        for job in abandoned:
            try:
                with scope(job.ref.organization_id), transaction.atomic():
                    transitions.release(job)
            except LeaseLost:
                continue
            except Error:
                self.abandon(job)
                raise


leases = Leases()
