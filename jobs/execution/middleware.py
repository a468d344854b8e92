"""What execution needs to hear from Dramatiq's worker process: its start and its end."""

import threading
import uuid
from typing import Any

from django.conf import settings
from dramatiq import Broker, Middleware, Worker
from dramatiq.middleware import Shutdown
from dramatiq.threading import raise_thread_exception

from jobs.broker.broker import GroupBroker
from jobs.broker.notices import Notice, listener
from jobs.execution.in_hand import in_hand
from jobs.execution.leases import leases
from jobs.execution.settling import settler
from jobs.execution.statements import RunningStatements
from jobs.execution.work_queue import WorkQueue
from jobs.job_types import GROUPS
from jobs.ledger.transitions import JobRef

# Before the grace time ends, so that what is interrupted can still be given back.
MARGIN_SECONDS = 3


class WorkerLife(Middleware):
    """Keeps this worker's leases while it lives, and ends in time what would outlive its limits."""

    def __init__(self) -> None:
        self._statements = RunningStatements(overdue=in_hand.interrupt_overdue)
        self._timer: threading.Timer | None = None

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:
        """Enter the worker into the ledger before it fetches anything."""
        worker.work_queue = WorkQueue()
        groups = broker.get_declared_queues() & (worker.consumer_whitelist or set(GROUPS))
        leases.start(sorted(groups))
        self._statements.start()
        settler.start()
        if isinstance(broker, GroupBroker):
            listener.start(broker.backend, groups, _cancelled)

    def before_process_message(self, broker: Broker, message: Any) -> None:
        """Note the thread, so that it can be interrupted."""
        actor = broker.get_actor(message.actor_name)
        self._statements.enter(limit_ms=actor.options.get("time_limit"))

    def after_process_message(
        self, broker: Broker, message: Any, *, result: Any = None, exception: Any = None
    ) -> None:
        """Forget the thread."""
        self._statements.leave()

    after_skip_message = after_process_message

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """Let jobs finish within the grace time; interrupt and give back those that do not."""
        grace = max(settings.WORKER_GRACE_SECONDS - MARGIN_SECONDS, 1)
        self._timer = threading.Timer(grace, self._interrupt)
        self._timer.daemon = True
        self._timer.start()

    def before_consumer_thread_shutdown(self, broker: Broker, thread: Any) -> None:
        """Write what has ended while its message can still be acknowledged."""
        settler.drain()

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """Sign off, so that nothing waits for a lease."""
        if self._timer is not None:
            self._timer.cancel()
        self._statements.stop()
        settler.stop()
        listener.stop()
        leases.stop()

    def _interrupt(self) -> None:
        for thread_id in self._statements.threads():
            raise_thread_exception(thread_id, Shutdown)
        self._statements.cancel_all()


def _cancelled(notice: Notice) -> None:
    job_id = uuid.UUID(notice.job_id)
    in_hand.ask_to_end([JobRef(organization_id=notice.organization_id, job_id=job_id)])
