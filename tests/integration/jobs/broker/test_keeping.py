"""What a process does with the leases it holds: `jobs.broker.held`."""

import threading
from datetime import timedelta

import pytest

from jobs.broker import Ack, GroupMessage, RetryAfter, Settlement
from jobs.broker.held import FULL, Held
from tests.waiting import eventually


@pytest.fixture
def leases(queues, group):
    return Held(queues, group, "c1", heartbeat=timedelta(seconds=10))


@pytest.fixture
def hold(leases, put):
    """Fetch a message and hand it over, as the consumer does; returns its key."""

    def hold():
        put(7)
        leases.fetch(1)
        leased = leases.cache.popleft()
        leases.hand_over(GroupMessage(None, leased))
        return leased.key

    return hold


def test_a_settlement_waits_for_others_to_go_with_it(leases, hold, queues, group):
    key = hold()

    leases.settle(Settlement(key, Ack()), at_once=False)

    assert queues.totals(group).leased == 1
    leases.flush()
    assert queues.totals(group).leased == 0


def test_a_settlement_at_once_is_in_redis_when_it_returns(leases, hold, queues, group):
    leases.settle(Settlement(hold(), Ack()), at_once=True)

    assert queues.totals(group).leased == 0


def test_a_full_batch_goes_with_the_next_round(leases, hold, queues, group):
    leases.keep()
    for _ in range(FULL):
        leases.settle(Settlement(hold(), Ack()), at_once=False)

    leases.keep()

    assert queues.totals(group).leased == 0


def test_whoever_settles_while_the_consumer_sleeps_in_redis_sends_it_himself(
    leases, hold, queues, group, client
):
    key = hold()
    queues.wait(group, timedelta(seconds=1))  # the token of what is held
    leases.next_fetch = leases._next_heartbeat = leases._next_reap = float("inf")
    sleeping = threading.Thread(target=leases.wait_for_work, args=(3,))
    sleeping.start()
    eventually(lambda: client.info("clients")["blocked_clients"] > 0)

    leases.settle(Settlement(key, RetryAfter()), at_once=False)

    assert queues.totals(group).leased == 0
    sleeping.join(10)


def test_what_was_fetched_but_reaped_since_is_not_run(leases, put, queues, group, client):
    put(7)
    leases.fetch(1)
    client.zadd(f"group:{group}:consumers", {"c1": 0}, xx=True)
    assert queues.reap(group).messages

    leases.keep()

    assert not leases.cache


def test_room_counts_what_is_cached_and_what_runs_but_not_what_is_settled(leases, hold, put):
    settled = hold()
    hold()
    put(7)
    leases.fetch(1)
    leases.settle(Settlement(settled, Ack()), at_once=False)

    assert leases.room(10) == 8


def test_closing_gives_the_cache_back_and_sends_what_is_settled(leases, hold, put, queues, group):
    key = hold()
    put(7)
    leases.fetch(1)
    leases.settle(Settlement(key, Ack()), at_once=False)

    leases.close()

    totals = queues.totals(group)
    assert (totals.waiting, totals.leased, totals.consumers) == (1, 0, 0)
