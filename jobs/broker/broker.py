"""Dramatiq's Broker over the queues of many organizations."""

import os
import secrets
import socket
import time
from datetime import timedelta
from queue import PriorityQueue
from typing import Any, cast

from dramatiq import Broker, Message, MessageProxy, Middleware, Worker
from dramatiq.common import iter_queue
from dramatiq.errors import QueueJoinTimeout, QueueNotFound

from jobs.broker.consumer import GroupConsumer
from jobs.broker.hand_over import HandOverQueue
from jobs.broker.held import Held
from jobs.broker.messages import Entry, GroupMessage, MessagesHook, PoisonHook, RetryAfter
from jobs.broker.queues import Queues


class WorkerWatch(Middleware):
    """Tells the broker when a worker of this process begins to stop, and a message to run."""

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:
        """From now on, fetch."""
        cast(GroupBroker, broker).stopping = None
        if type(worker.work_queue) is PriorityQueue:
            worker.work_queue = HandOverQueue()

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """From now on, hand back."""
        cast(GroupBroker, broker).stopping = worker

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """From now on, its owner pays."""
        cast(GroupMessage, message).started = time.monotonic()


class GroupBroker(Broker):
    """A queue of Dramatiq is a *group* here: one consumer serves every organization's queue in it.

    A message with the option `organization_id` stands in that organization's queue, any other in
    the plain one beside them. Everything else is as Dramatiq documents it.

    Parameters:
      url: of Redis or Valkey, `redis://…` or `unix://…`.
      middleware: as for any Dramatiq broker.
      lease_seconds: how long a silent worker keeps its messages.
      heartbeat_seconds: how often a living one is heard; at most half the lease.
    """

    queues: set[str]

    def __init__(
        self,
        *,
        url: str,
        middleware: list[Middleware] | None = None,
        lease_seconds: float = 30,
        heartbeat_seconds: float = 10,
    ) -> None:
        if not 0 < heartbeat_seconds <= lease_seconds / 2:
            raise ValueError(
                f"heartbeat_seconds is {heartbeat_seconds} and lease_seconds {lease_seconds}: one "
                "lost heartbeat would lose the leases. Let the lease last two heartbeats or more."
            )
        self._listeners: dict[str, bool] = {}
        super().__init__(middleware=middleware)
        self.queues = set()
        self.stopping: Worker | None = None
        self.add_middleware(WorkerWatch())
        self.on_poison: list[PoisonHook] = []
        # Told of each fetched batch before any of it is handed out, by the consumer thread; where a
        # hook sets a disposition, no thread gets the message.
        self.on_fetched: list[MessagesHook] = []
        # Told of messages that go back unstarted, before Redis is.
        self.on_returned: list[MessagesHook] = []
        self.backend = Queues(url, lease=timedelta(seconds=lease_seconds))
        self._heartbeat = timedelta(seconds=heartbeat_seconds)
        self._leases: dict[str, Held] = {}
        self._consumer_id = ""

    def add_middleware(self, *args: Any, **kwargs: Any) -> None:
        super().add_middleware(*args, **kwargs)
        self._listeners.clear()

    def emit_before(self, signal: str, *args: Any, **kwargs: Any) -> None:
        if self._is_heard(f"before_{signal}"):
            super().emit_before(signal, *args, **kwargs)

    def emit_after(self, signal: str, *args: Any, **kwargs: Any) -> None:
        if self._is_heard(f"after_{signal}"):
            super().emit_after(signal, *args, **kwargs)

    def _is_heard(self, hook: str) -> bool:
        """Whether any middleware has it: to call the empty ones around each acknowledgement takes
        as long as a no-op."""
        if hook not in self._listeners:
            empty = getattr(Middleware, hook, None)
            has_it = (getattr(type(one), hook, None) is not empty for one in self.middleware)
            self._listeners[hook] = any(has_it)
        return self._listeners[hook]

    @property
    def consumer_id(self) -> str:
        """Names this process in leases: host, process, and some chance against reused numbers."""
        if not self._consumer_id:
            self._consumer_id = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        return self._consumer_id

    def declare_queue(self, queue_name: str) -> None:
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)

    def get_declared_queues(self) -> set[str]:
        return self.queues.copy()

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 30000) -> GroupConsumer:
        self._must_be_declared(queue_name)
        if queue_name not in self._leases:
            self._leases[queue_name] = Held(
                self.backend, queue_name, self.consumer_id, heartbeat=self._heartbeat
            )
        return GroupConsumer(
            self, self._leases[queue_name], self.on_poison, prefetch=prefetch, timeout=timeout
        )

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        """Put a message in line, to run after `delay` milliseconds.

        Enqueued again while its own actor is running (as Dramatiq's Retries does), it comes back
        when that run is acknowledged, in the same step; a crash in between repeats the run. One
        that is already waiting, delayed, or leased elsewhere is left as it is.

        Raises `BrokerUnavailable`, a connection error to Dramatiq. When the connection broke before
        the answer came, the message may be in line all the same: see `Queues.enqueue`.
        """
        self.emit_before("enqueue", message, delay)
        entry = _entry(message, timedelta(milliseconds=delay or 0))
        leases = self._leases.get(entry.group)
        running = leases and leases.running(entry.key)
        if running:
            running.disposition = RetryAfter(delay=entry.delay, body=entry.body)
        else:
            self.backend.enqueue([entry])
        self.emit_after("enqueue", message, delay)
        return message

    def take_unstarted(self, queue_name: str) -> list[MessageProxy]:
        """Take the messages of a group out of the hands of the stopping worker's threads."""
        if self.stopping is None:
            return []
        mine: list[Any] = []
        others: list[Any] = []
        for item in iter_queue(self.stopping.work_queue):
            (mine if item.message.queue_name == queue_name else others).append(item)
        for item in others:
            self.stopping.work_queue.put(item)
        for _ in range(len(mine) + len(others)):
            self.stopping.work_queue.task_done()
        return [item.message for item in mine]

    def flush(self, queue_name: str) -> None:
        """Drop all that is waiting or delayed in a group, of all organizations."""
        self.backend.flush(queue_name)

    def flush_all(self) -> None:
        for queue_name in self.queues:
            self.flush(queue_name)

    def join(self, queue_name: str, *, interval: int = 100, timeout: int | None = None) -> None:
        """Wait until nothing is waiting, delayed or running in a group. For tests."""
        self._must_be_declared(queue_name)
        deadline = time.monotonic() + (timeout / 1000 if timeout else float("inf"))
        while True:
            totals = self.backend.totals(queue_name)
            if not (totals.waiting or totals.delayed or totals.leased):
                return
            if time.monotonic() >= deadline:
                raise QueueJoinTimeout(queue_name)
            time.sleep(interval / 1000)

    def close(self) -> None:
        self.backend.close()

    def _must_be_declared(self, queue_name: str) -> None:
        if queue_name not in self.queues:
            raise QueueNotFound(queue_name)


def _entry(message: Message[Any] | MessageProxy, delay: timedelta) -> Entry:
    """The organization is taken out of the body: on the way back, the Redis key says it."""
    options = dict(message.options)
    organization_id = options.pop("organization_id", None)
    if not isinstance(organization_id, int | None):
        raise TypeError(f"The option organization_id must be an integer, not {organization_id!r}.")
    bare: Message[Any] = Message(**{**message.asdict(), "options": options})
    return Entry(
        organization_id=organization_id,
        group=message.queue_name,
        message_id=message.message_id,
        body=bare.encode(),
        kind=message.actor_name,
        delay=max(delay, timedelta(0)),
    )
