"""Dramatiq's Consumer for a queue group: one thread for all its organizations."""

import dataclasses
import logging
import random
import time
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from dramatiq import Consumer, MessageProxy

from jobs.broker import poison
from jobs.broker.errors import BrokerUnavailable
from jobs.broker.held import Held
from jobs.broker.messages import (
    Ack,
    Disposition,
    GroupMessage,
    Leased,
    MessagesHook,
    PoisonHook,
    Release,
    Settlement,
)
from jobs.broker.prefetch import Prefetch

if TYPE_CHECKING:
    from jobs.broker.broker import GroupBroker

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 1.0  # while Redis is away


class GroupConsumer(Consumer):
    """Yields the messages of all organizations' queues in a group, in fair order.

    `__next__`, `requeue` and `close` belong to one thread at a time, `ack` and `nack` to any.
    """

    def __init__(
        self,
        broker: "GroupBroker",
        leases: Held,
        on_poison: Sequence[PoisonHook],
        *,
        prefetch: int,
        timeout: int,
    ) -> None:
        self.logger = logging.getLogger(f"{__name__}.{leases.group}")
        self._broker = broker
        self._leases = leases
        self._on_poison = on_poison
        self._prefetch = Prefetch(prefetch)
        self._timeout = timeout / 1000
        self._failures = 0

    def __next__(self) -> GroupMessage | None:
        """The next message, or None after at most the timeout.

        A Redis that is away, or was emptied, is waited for here. Nothing is raised and nothing that
        is running is disturbed.
        """
        try:
            message = self._next()
        except BrokerUnavailable as error:
            self._pause(error)
            return None
        if self._failures:
            self.logger.info("Redis is back after %d failures.", self._failures)
            self._failures = 0
        return message

    def ack(self, message: MessageProxy) -> None:
        """Settle as `message.disposition` says, once it does; without one, forget the message.

        For a plain actor this waits for Redis, and raises a connection error (Dramatiq tries
        again) when it is away: there is no ledger to catch a repeat.
        """
        self._settle(cast(GroupMessage, message), Ack())

    def nack(self, message: MessageProxy) -> None:
        """As `ack`; without a disposition the message is buried: see `poison.bury`."""
        message = cast(GroupMessage, message)
        if message.disposition is None:
            # Kept on the message: Dramatiq repeats this call when Redis is away.
            message.disposition = poison.bury(poison.rejected(message), self._on_poison)
        self._settle(message, message.disposition)

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Give unstarted messages back to the front, uncounted."""
        returned = [cast(GroupMessage, message) for message in messages]
        self._tell(self._broker.on_returned, returned)
        self._leases.give_back(message.key for message in returned)

    def close(self) -> None:
        """Give back what was fetched and not handed out, and send all settlements."""
        opened = [one for one in self._leases.cache if isinstance(one, GroupMessage)]
        self._tell(self._broker.on_returned, opened)
        self._leases.close()

    # The steps of __next__

    def _next(self) -> GroupMessage | None:
        if self._broker.stopping:
            self._hand_back()
            return None
        message = self._from_cache()
        if message is None:
            self._leases.keep()
            self._fetch_or_wait()
            message = self._from_cache()
        return message

    def _from_cache(self) -> GroupMessage | None:
        cache = self._leases.cache
        if cache and not isinstance(cache[0], GroupMessage):
            self._open_cache()
        if not self._leases.cache:
            return None
        message = cast(GroupMessage, self._leases.cache[0])
        self._leases.hand_over(message)
        self._leases.cache.popleft()
        return message

    def _open_cache(self) -> None:
        """Leave those that a thread is to run: neither poison nor settled by one of the hooks."""
        fetched = [one for one in self._leases.cache if isinstance(one, Leased)]
        messages = [message for leased in fetched if (message := self._open(leased))]
        self._tell(self._broker.on_fetched, messages)
        for message in messages:
            if message.disposition is not None:
                disposition = cast(Disposition, message.disposition)
                settlement = Settlement(message.key, disposition, message.stamp)
                self._leases.settle(settlement, at_once=False)
        self._leases.cache = deque(one for one in messages if one.disposition is None)

    def _open(self, leased: Leased) -> GroupMessage | None:
        """Raising here would stall the whole group for seconds: what cannot be run is buried."""
        try:
            return GroupMessage(poison.decode(leased, self._broker), leased)
        except poison.Unrunnable as unrunnable:
            disposition = poison.bury(unrunnable.poison, self._on_poison)
            self._leases.settle(Settlement(leased.key, disposition, leased.stamp), at_once=False)
            return None

    def _tell(self, hooks: Iterable[MessagesHook], messages: list[GroupMessage]) -> None:
        for hook in hooks if messages else ():
            try:
                hook(messages)
            except Exception:
                self.logger.exception("A hook of %d messages broke.", len(messages))

    def _hand_back(self) -> None:
        """In a stopping worker: what has not started goes to others now.

        Dramatiq would keep it, and fetch more, until the last running message has ended.
        """
        self._leases.keep()
        self.requeue(self._broker.take_unstarted(self._leases.group))
        self.close()
        self._leases.wait_for_flush(self._timeout)

    def _fetch_or_wait(self) -> None:
        leases, capacity, batch = self._leases, self._prefetch.capacity, self._prefetch.batch
        if leases.room(capacity) < batch:
            leases.wait_for_room(batch, capacity, self._timeout)
        elif time.monotonic() < leases.next_fetch or not leases.fetch(leases.room(capacity)):
            leases.wait_for_work(self._timeout)

    def _settle(self, message: GroupMessage, otherwise: Disposition | Future[Disposition]) -> None:
        ran = None if message.started is None else time.monotonic() - message.started
        decided = message.disposition or otherwise
        if isinstance(decided, Future):
            decided.add_done_callback(lambda future: self._end(message, future.result(), ran))
        else:
            self._end(message, decided, ran)

    def _end(self, message: GroupMessage, disposition: Disposition, ran: float | None) -> None:
        if ran is not None and not isinstance(disposition, Release):
            self._prefetch.note(ran)
            time_used = timedelta(seconds=ran)
            if isinstance(disposition, Ack):  # nearly all; `replace` takes its time
                disposition = Ack(ran=time_used)
            else:
                disposition = dataclasses.replace(disposition, ran=time_used)
        settlement = Settlement(message.key, disposition, message.stamp)
        self._leases.settle(settlement, at_once=message.organization_id is None)

    def _pause(self, error: BrokerUnavailable) -> None:
        if not self._failures:
            self.logger.warning("Waiting for Redis: %s", error)
        pause = min(FIRST_PAUSE_SECONDS * 2 ** min(self._failures, 10), LONGEST_PAUSE_SECONDS)
        self._failures += 1
        time.sleep(min(pause, self._timeout) * random.uniform(0.5, 1))  # noqa: S311
