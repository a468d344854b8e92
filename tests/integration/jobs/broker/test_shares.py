"""What is shared is worker time: on a clock of the test's own, with threads that only note."""

import heapq
from collections import Counter
from datetime import timedelta
from itertools import count

import dramatiq
import pytest

from jobs.broker import Ack, Control, Entry, Settlement

THREADS = 8
SLOW, FAST = 7, 8
RUNS = {SLOW: timedelta(seconds=1), FAST: timedelta(milliseconds=50)}


@pytest.fixture
def worker(queues, group):
    """Let threads run what is waiting for so long; returns each organization's seconds."""

    def run(duration):
        clock, free = timedelta(0), THREADS
        running, seconds, numbers = [], Counter(), count()
        while clock < duration:
            for leased in queues.fetch(group, "c1", free).messages if free else ():
                ran = RUNS[leased.organization_id]
                heapq.heappush(running, (clock + ran, next(numbers), leased, ran))
            clock, _, leased, ran = heapq.heappop(running)
            free = THREADS - len(running)
            seconds[leased.organization_id] += ran.total_seconds()
            queues.settle(group, "c1", [Settlement(leased.key, Ack(ran=ran), leased.stamp)])
        return seconds

    return run


def put_many(queues, group, organization_id, many, kind):
    queues.enqueue(
        Entry(
            organization_id=organization_id, group=group, message_id=f"m{n}", body=b"b", kind=kind
        )
        for n in range(many)
    )


def load(queues, group, kinds):
    put_many(queues, group, SLOW, 200, kinds[SLOW])
    put_many(queues, group, FAST, 3_000, kinds[FAST])


@pytest.mark.parametrize("weight", [1, 3])
def test_seconds_are_shared_by_weight_however_long_a_message_runs(queues, group, worker, weight):
    queues.control(group, {SLOW: Control(weight=weight)})
    load(queues, group, {SLOW: "slow", FAST: "fast"})

    seconds = worker(timedelta(seconds=24))

    assert seconds[SLOW] / seconds[FAST] == pytest.approx(weight, rel=0.1)


def test_seconds_are_shared_even_where_estimates_are_wrong(queues, group, worker):
    load(queues, group, {SLOW: "same", FAST: "same"})

    seconds = worker(timedelta(seconds=30))

    assert seconds[SLOW] / seconds[FAST] == pytest.approx(1, rel=0.2)


def test_who_is_given_back_unstarted_has_paid_nothing(queues, group, fetch):
    load(queues, group, {SLOW: "same", FAST: "same"})
    for _ in range(10):
        queues.release(group, "c1", [one.key for one in fetch(1)])

    assert Counter(one.organization_id for one in fetch(10)) == {SLOW: 5, FAST: 5}


def test_who_has_nothing_waiting_while_it_runs_pays_all_the_same(queues, group, put, fetch):
    put_many(queues, group, 7, 1, "long")
    [leased] = fetch()
    put_many(queues, group, 8, 20, "short")
    ran = Ack(ran=timedelta(milliseconds=55))
    queues.settle(group, "c1", [Settlement(leased.key, ran, leased.stamp)])
    put(7, "next")

    order = [one.organization_id for one in fetch(8)]

    assert order.index(7) == 6  # after 10 ms each, as long as nobody knows better


def test_what_plain_actors_run_is_measured(broker, group, start_worker):
    actor = dramatiq.actor(lambda: None, actor_name="measured", broker=broker, queue_name=group)
    actor.send()
    start_worker(broker)
    broker.join(group, timeout=60_000)
    message = actor.message()
    broker.enqueue(message, delay=60_000)

    found = broker.backend.situation(group, None, message.message_id)

    assert found.estimate is not None
