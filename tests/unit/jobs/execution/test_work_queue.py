"""Which message a thread takes next: live work first, and backfill gets its share."""

import dramatiq
import pytest
from dramatiq.common import iter_queue
from dramatiq.worker import _WorkQueueItem

from jobs.execution.work_queue import BACKFILL_EVERY, WorkQueue


def item(group: str, name: str = "", priority: int = 0) -> _WorkQueueItem:
    message = dramatiq.Message(group, name, (), {}, {})
    return _WorkQueueItem(priority, dramatiq.MessageProxy(message))


def taken(queue: WorkQueue) -> list[str]:
    return [one.message.queue_name for one in iter_queue(queue)]


@pytest.fixture
def queue():
    return WorkQueue()


@pytest.mark.parametrize("live", ["notifications", "indexing", "audit"])
def test_live_work_goes_before_backfill_that_came_earlier(queue, live):
    queue.put(item("backfill"))
    queue.put(item(live))

    assert taken(queue) == [live, "backfill"]


def test_backfill_gets_its_share_however_much_live_work_there_is(queue):
    for _ in range(12):
        queue.put(item("backfill"))
    for _ in range(100):
        queue.put(item("audit"))

    order = [queue.get_nowait().message.queue_name for _ in range(12)]

    assert order == (["audit"] * (BACKFILL_EVERY - 1) + ["backfill"]) * 3


def test_backfill_alone_waits_for_nothing(queue):
    for _ in range(3):
        queue.put(item("backfill"))

    assert taken(queue) == ["backfill"] * 3


def test_a_rest_without_backfill_saves_up_no_turn(queue):
    for _ in range(10):
        queue.put(item("audit"))
    for _ in range(10):
        queue.get_nowait()
    queue.put(item("backfill"))
    queue.put(item("audit"))

    assert taken(queue) == ["audit", "backfill"]


def test_within_a_group_priority_then_arrival_decide(queue):
    for name, priority in (("a", 1), ("b", 0), ("c", 1), ("d", 0)):
        queue.put(item("audit", name, priority))

    assert [one.message.actor_name for one in iter_queue(queue)] == ["b", "d", "a", "c"]
