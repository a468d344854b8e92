"""What this process holds of one group: every leased message, from fetch until Redis let it go.

Shared by the consumer thread, which fetches and keeps the leases alive, and the worker threads,
which settle. It outlives the consumer: Dramatiq replaces that one when a worker is paused, while
its messages are still running.
"""

import logging
import time
from collections import deque
from collections.abc import Iterable
from datetime import timedelta
from threading import Condition, Lock

from jobs.broker.errors import BrokerUnavailable, NoEpoch
from jobs.broker.messages import GroupMessage, Leased, MessageKey, Settlement
from jobs.broker.queues import MOST_FETCHED, Queues

FULL = 64  # settlements in one batch
FLUSH_SECONDS = 0.010  # the longest that one waits for others to go with it
# Look again at times without being woken: the token may have gone to a consumer that died of it.
REFRESH_SECONDS = 5.0


class Held:
    """The leases of one consumer; it is safe to settle from any thread.

    Whatever is running, pending or in the cache still has its lease in Redis; it leaves here only
    after Redis has let go.
    """

    def __init__(
        self, queues: Queues, group: str, consumer_id: str, *, heartbeat: timedelta
    ) -> None:
        self.logger = logging.getLogger(f"{__name__}.{group}")
        self.group = group
        self.consumer_id = consumer_id
        self.cache: deque[Leased | GroupMessage] = deque()  # fetched, not yet handed to Dramatiq
        self.next_fetch = 0.0  # monotonic; nothing is waiting before, unless Redis wakes us
        self._queues = queues
        self._heartbeat = heartbeat.total_seconds()
        self._next_heartbeat = self._next_reap = 0.0
        self._in_doubt = False  # an answer was lost: Redis may know of leases that we do not
        self._sending = Lock()  # one batch at a time
        self._changed = Condition()  # guards what follows
        self._running: dict[MessageKey, GroupMessage] = {}  # handed over, not settled
        self._pending: dict[MessageKey, Settlement] = {}  # settled, Redis does not know yet
        self._pending_since = 0.0
        self._blocked = False  # the consumer thread sleeps in Redis and cannot flush
        self._enough = 0  # it sleeps here until no more than so many are running

    # The consumer thread

    def room(self, capacity: int) -> int:
        return capacity - len(self._running) - len(self.cache)

    def fetch(self, count: int) -> int:
        """Fill the cache; returns with how many, and when to look again if with none."""
        found, fetched = 0, None
        while found < count and (fetched is None or len(fetched.messages) == MOST_FETCHED):
            self._in_doubt = True
            fetched = self._queues.fetch(self.group, self.consumer_id, count - found)
            self._in_doubt = False
            self.cache.extend(fetched.messages)
            found += len(fetched.messages)
        if found or fetched is None:
            self.next_fetch = 0.0
        else:
            pause = min(fetched.next_due or timedelta.max, timedelta(seconds=REFRESH_SECONDS))
            self.next_fetch = time.monotonic() + pause.total_seconds()
        return found

    def hand_over(self, message: GroupMessage) -> None:
        with self._changed:
            self._running[message.key] = message

    def keep(self) -> None:
        """Do what is due: heartbeat, reaping of those who sent none, a flush, settling a doubt."""
        now = time.monotonic()
        if self._in_doubt:
            self._reclaim()
        if now >= self._next_heartbeat:
            self._send_heartbeat()
        if now >= self._next_reap:
            self._reap()
        if self._flush_in(now) <= 0:
            self.flush()

    def wait_for_room(self, room: int, capacity: int, timeout: float) -> None:
        """Sleep until there is so much room, or a flush is due."""
        self._wait_for(capacity - room - len(self.cache), timeout)

    def wait_for_flush(self, timeout: float) -> None:
        self._wait_for(-1, timeout)

    def wait_for_work(self, timeout: float) -> None:
        """Sleep in Redis until something is waiting there, becomes due or has to be kept up."""
        with self._changed:
            self._blocked = True  # from here on, those who settle flush for themselves
        try:
            self.flush()
            until = min(self.next_fetch, self._next_heartbeat, self._next_reap)
            left = min(timeout, until - time.monotonic())
            if left > 0 and self._queues.wait(self.group, timedelta(seconds=left)):
                self.next_fetch = 0.0
        finally:
            self._blocked = False

    # Any thread

    def running(self, key: MessageKey) -> GroupMessage | None:
        return self._running.get(key)

    def settle(self, settlement: Settlement, *, at_once: bool) -> None:
        """End a message's lease: at once, or with the next batch, within ten milliseconds.

        At once, it raises `BrokerUnavailable` when Redis cannot be reached, and nothing changes.
        A batch is kept until Redis is back. A crash before it was sent costs one lease: the
        message comes again, and the ledger knows that its job is finished.
        """
        key = settlement.key
        if at_once:
            self._send([settlement])
        with self._changed:
            # A retried message may have come back, and been handed over, in the meantime.
            held = self._running.get(key)
            if held and held.stamp == settlement.stamp:
                del self._running[key]
            if not at_once:
                self._pending_since = self._pending_since if self._pending else time.monotonic()
                self._pending[key] = settlement
            if len(self._pending) in (1, FULL) or len(self._running) <= self._enough:
                self._changed.notify()
            flush_here = (self._blocked and bool(self._pending)) or len(self._pending) == FULL
        if flush_here:
            try:
                self.flush()
            except BrokerUnavailable as error:
                self.logger.warning("Settlements wait until Redis is back: %s", error)

    def flush(self) -> None:
        """Send what is pending; it stays pending when Redis cannot be reached."""
        with self._sending:
            with self._changed:
                batch = list(self._pending.values())
            if not batch:
                return
            self._send(batch)
            with self._changed:
                for settlement in batch:
                    if self._pending.get(settlement.key) is settlement:
                        del self._pending[settlement.key]
                self._pending_since = time.monotonic()

    def give_back(self, messages: Iterable[MessageKey]) -> None:
        """Return unstarted messages to the place they were taken from."""
        keys = list(messages)
        self._queues.release(self.group, self.consumer_id, keys)
        with self._changed:
            for key in keys:
                self._running.pop(key, None)

    def close(self) -> None:
        """Give the cache back, send what is pending, and leave the rest to other consumers."""
        self.give_back(leased.key for leased in self.cache)
        self.cache.clear()
        self.flush()
        self._queues.leave(self.group, self.consumer_id)

    # The steps below

    def _wait_for(self, enough: int, timeout: float) -> None:
        """Sleep until no more than `enough` are running, or a flush is due."""
        deadline = time.monotonic() + timeout
        with self._changed:
            self._enough = enough
            while len(self._running) > enough:
                now = time.monotonic()
                left = min(deadline - now, self._flush_in(now))
                if left <= 0:
                    break
                self._changed.wait(left)

    def _flush_in(self, now: float) -> float:
        """Seconds until a flush is due; infinite when nothing is pending."""
        if not self._pending:
            return float("inf")
        if len(self._pending) >= FULL:
            return 0.0
        return self._pending_since + FLUSH_SECONDS - now

    def _send(self, batch: list[Settlement]) -> None:
        try:
            self._queues.settle(self.group, self.consumer_id, batch)
        except NoEpoch:
            # The messages went with the rest of Redis's data; nothing is left to settle.
            self.logger.warning("Redis lost its data before %d settlements reached it.", len(batch))

    def _send_heartbeat(self) -> None:
        with self._changed:
            running = [key for key, message in self._running.items() if message.started]
            most = len(self.cache) + len({*self._running, *self._pending})
        held = self._queues.heartbeat(self.group, self.consumer_id, running)
        # Redis went back to an old snapshot: leases of ours that ended since are there again, and
        # would be kept as long as this process lives.
        self._in_doubt = self._in_doubt or (held or 0) > most
        if held is None and (self.cache or self._running):
            self.logger.warning(
                "The leases of consumer %s ended before its heartbeat: %d running messages may run "
                "a second time elsewhere. Was this process stopped, or Redis away, for so long?",
                self.consumer_id,
                len(self._running),
            )
            self.cache.clear()
        self._next_heartbeat = time.monotonic() + self._heartbeat

    def _reap(self) -> None:
        reaped = self._queues.reap(self.group)
        for key, lost in reaped.messages:
            self.logger.warning(
                "Message %s of organization %s goes back: its consumer fell silent (%d times now).",
                key.message_id,
                key.organization_id,
                lost,
            )
        lease = self._queues.lease
        pause = lease if reaped.next_end is None else min(reaped.next_end, lease)
        self._next_reap = time.monotonic() + pause.total_seconds()

    def _reclaim(self) -> None:
        with self._changed:
            held = {*self._running, *self._pending, *(leased.key for leased in self.cache)}
        self._queues.reclaim(self.group, self.consumer_id, held)
        self._in_doubt = False
