"""Which of the fetched messages a thread takes next, when one worker serves several groups.

Live work (notifications, indexing, audit) goes before backfill, which is bulk and can wait; but
where both wait, one start in BACKFILL_EVERY is backfill's, so that it always gets on. Within each
of the two it is as Dramatiq has it: by the actor's priority, then in the order of arrival.
"""

from heapq import heappop, heappush
from typing import Any

from jobs.broker.hand_over import HandOverQueue

BACKFILL = "backfill"
BACKFILL_EVERY = 4


class WorkQueue(HandOverQueue):
    """Put in the place of the worker's own queue, before its threads begin."""

    def _init(self, maxsize: int) -> None:
        self._live: list[Any] = []
        self._backfill: list[Any] = []
        self._passed_over = 0  # how often live work went before backfill that waited

    def _qsize(self) -> int:
        return len(self._live) + len(self._backfill)

    def _put(self, item: Any) -> None:
        is_bulk = item.message.queue_name == BACKFILL
        heappush(self._backfill if is_bulk else self._live, item)

    def _get(self) -> Any:
        is_turn = self._passed_over >= BACKFILL_EVERY - 1
        if self._backfill and (is_turn or not self._live):
            self._passed_over = 0
            return heappop(self._backfill)
        self._passed_over += bool(self._backfill)
        return heappop(self._live)
