"""Messages go to the worker's threads, and no more threads are woken than there is work for."""

import threading
from contextlib import contextmanager

import pytest

from jobs.broker.hand_over import HandOverQueue
from tests.waiting import eventually

MINUTE = 60


@pytest.fixture
def queue():
    return HandOverQueue()


@contextmanager
def asleep(queue, count, target):
    """So many threads that sleep in the queue."""
    threads = [threading.Thread(target=target) for _ in range(count)]
    for thread in threads:
        thread.start()
    eventually(lambda: sleepers(queue) == count)
    yield
    for thread in threads:
        thread.join(MINUTE)


def sleepers(queue):
    return len(queue.not_empty._waiters)


def test_all_threads_are_woken_when_messages_take_long(queue):
    together = threading.Barrier(5)  # which nobody passes alone

    def run():
        queue.get(timeout=MINUTE)
        together.wait(MINUTE)

    with asleep(queue, 4, run):
        for number in range(4):
            queue.put(number)
        together.wait(MINUTE)

    assert not together.broken


def test_nobody_is_woken_while_one_is_on_its_way(queue):
    with asleep(queue, 2, queue.get), queue.mutex:
        queue._put(1)
        queue.not_empty.notify()
        queue._put(2)
        queue.not_empty.notify()

        assert sleepers(queue) == 1


def test_one_who_found_nothing_in_time_is_no_longer_on_its_way(queue):
    with queue.mutex:
        queue.not_empty._is_on_its_way = True
        queue.not_empty.wait(0)

    with asleep(queue, 1, queue.get):
        queue.put(1)

    assert queue.empty()


def test_the_first_in_order_comes_first(queue):
    for number in (3, 1, 2):
        queue.put(number)

    assert [queue.get() for _ in range(3)] == [1, 2, 3]
