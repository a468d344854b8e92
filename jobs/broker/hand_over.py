"""Fetched messages on their way from the consumer thread to the threads that run them."""

from queue import PriorityQueue
from threading import Condition
from typing import Any


class HandOverQueue(PriorityQueue[Any]):
    """Dramatiq's own queue, but it wakes one thread at a time, and that one wakes the next.

    Messages that take long are all started within a moment, as before. Short ones are done by the
    few threads that are awake. To wake a sleeping thread for every one of them costs more than to
    run a no-op: a third of the time in which the interpreter was held went there.
    """

    not_empty: "_OneOnItsWay"

    def __init__(self) -> None:
        super().__init__()
        self.not_empty = _OneOnItsWay(self.mutex)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        item = super().get(block, timeout)
        if self._qsize() and self.not_empty.may_wake():
            with self.mutex:
                self.not_empty.notify()
        return item


class _OneOnItsWay(Condition):
    """Wakes nobody while somebody who was woken has not run yet."""

    _is_on_its_way = False

    def may_wake(self) -> bool:
        return bool(self._waiters) and not self._is_on_its_way  # type: ignore[attr-defined]

    def notify(self, n: int = 1) -> None:
        if self.may_wake():
            self._is_on_its_way = True
            super().notify()

    def wait(self, timeout: float | None = None) -> bool:
        try:
            return super().wait(timeout)
        finally:
            # Woken, or its time was up: then it may have been the one that was to be woken.
            self._is_on_its_way = False
