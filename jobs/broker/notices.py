"""News for running workers, on one channel of Redis: a queue was paused, a job was cancelled.

Fast, not certain: whoever is not connected hears nothing, so nothing depends on it alone. When a
listener connects, again too, it reads the pauses from Redis's copy of the controls, and every few
seconds while it knows of one: a worker that never heard of its end would give that queue's jobs
back for ever. Requests to cancel come with the worker's heartbeat as well.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Literal

from redis.client import PubSub
from redis.exceptions import RedisError

from jobs.broker.errors import BrokerUnavailable
from jobs.broker.queues import Queues

logger = logging.getLogger(__name__)

QUIET_SECONDS = 60.0  # how long it waits for news at a time; Redis is not asked
DOUBT_SECONDS = 5.0  # after which pauses that it knows of are read again
START_SECONDS = 1.0
STOP_SECONDS = 2.0
AGAIN_SECONDS = 1.0  # until it tries to connect again


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What happened; `group` for a queue, `job_id` for a job."""

    kind: Literal["paused", "resumed", "cancelled"]
    organization_id: int
    group: str = ""
    job_id: str = ""


def publish(queues: Queues, notice: Notice) -> None:
    """Tell all workers. Without Redis nobody hears, and nothing is raised."""
    try:
        queues.publish(json.dumps(asdict(notice)))
    except BrokerUnavailable as error:
        logger.warning("Workers hear of a %s job or queue later: %s", notice.kind, error)


class Listener:
    """Hears the news in a thread of its own, one per worker process."""

    def __init__(self) -> None:
        self._paused: set[tuple[str, int]] = set()
        self._stopping = threading.Event()
        self._listening = threading.Event()
        self._channel: PubSub | None = None
        self._thread: threading.Thread | None = None

    def start(
        self, queues: Queues, groups: Iterable[str], on_cancelled: Callable[[Notice], object]
    ) -> None:
        """Listen from now on: when it returns, unless Redis keeps it waiting."""
        self._stopping.clear()
        self._listening.clear()
        arguments = [queues, sorted(groups), on_cancelled]
        self._thread = threading.Thread(
            target=self._live, args=arguments, name="notices", daemon=True
        )
        self._thread.start()
        self._listening.wait(START_SECONDS)

    def stop(self) -> None:
        """Listen no more."""
        self._stopping.set()
        if self._channel is not None:
            with suppress(RedisError, OSError):
                self._channel.unsubscribe()  # type: ignore[no-untyped-call]  # its thread hears it
        if self._thread is not None:
            self._thread.join(timeout=STOP_SECONDS)

    def is_paused(self, group: str, organization_id: int | None) -> bool:
        """Whether this queue is paused, as far as anybody told."""
        return (group, organization_id) in self._paused

    def _live(
        self, queues: Queues, groups: list[str], on_cancelled: Callable[[Notice], object]
    ) -> None:
        while not self._stopping.is_set():
            try:
                self._listen(queues, groups, on_cancelled)
            except (RedisError, OSError, BrokerUnavailable) as error:
                logger.info("No news from Redis: %s", error)
                self._stopping.wait(AGAIN_SECONDS)
            finally:
                self._channel = None

    def _listen(
        self, queues: Queues, groups: list[str], on_cancelled: Callable[[Notice], object]
    ) -> None:
        with queues.listening() as channel:
            self._channel = channel
            # Now that nothing is missed any more: what was missed before.
            self._paused, read_at = _paused(queues, groups), time.monotonic()
            self._listening.set()
            while not self._stopping.is_set():
                timeout = DOUBT_SECONDS if self._paused else QUIET_SECONDS
                message = channel.get_message(timeout=timeout)
                if message is not None:
                    self._hear(message["data"], on_cancelled)
                if self._paused and time.monotonic() - read_at > DOUBT_SECONDS:
                    self._paused, read_at = _paused(queues, groups), time.monotonic()

    def _hear(self, data: Any, on_cancelled: Callable[[Notice], object]) -> None:
        try:
            self._follow(Notice(**json.loads(data)), on_cancelled)
        except (ValueError, TypeError, RecursionError):
            logger.warning("No notice of ours: %.100r", data)

    def _follow(self, notice: Notice, on_cancelled: Callable[[Notice], object]) -> None:
        match notice.kind:
            case "paused":
                self._paused.add((notice.group, notice.organization_id))
            case "resumed":
                self._paused.discard((notice.group, notice.organization_id))
            case "cancelled":
                on_cancelled(notice)


def _paused(queues: Queues, groups: Iterable[str]) -> set[tuple[str, int]]:
    """The queues that are paused, as Redis's copy of the controls has it."""
    return {
        (group, organization_id)
        for group in groups
        for organization_id, control in queues.controls(group).items()
        if organization_id is not None and control.is_paused
    }


listener = Listener()
