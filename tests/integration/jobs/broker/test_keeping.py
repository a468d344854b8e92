"""What a process does with the leases it holds: `jobs.broker.held`."""

import threading
from datetime import timedelta

import dramatiq
import pytest

from jobs.broker import Ack, GroupMessage, RetryAfter, Settlement
from jobs.broker.held import FULL, Held
from tests.waiting import eventually

ANY = dramatiq.Message("any", "work", (), {}, {})


@pytest.fixture
def leases(queues, group):
    return Held(queues, group, "c1", heartbeat=timedelta(seconds=10))


@pytest.fixture
def hold(leases, put):
    """Fetch a message and hand it over, as the consumer does."""

    def hold():
        put(7)
        leases.fetch(1)
        leased = leases.cache.popleft()
        message = GroupMessage(ANY, leased)
        leases.hand_over(message)
        return message

    return hold


def test_a_settlement_waits_for_others_to_go_with_it(leases, hold, queues, group):
    message = hold()

    leases.settle(_done(message), at_once=False)

    assert queues.totals(group).leased == 1
    leases.flush()
    assert queues.totals(group).leased == 0


def test_a_settlement_at_once_is_in_redis_when_it_returns(leases, hold, queues, group):
    leases.settle(_done(hold()), at_once=True)

    assert queues.totals(group).leased == 0


def test_a_message_that_comes_back_while_it_is_settled_stays_held(
    leases, hold, queues, monkeypatch
):
    settle = queues.settle

    def settle_and_fetch(*args):
        settled = settle(*args)
        leases.fetch(1)
        leases.hand_over(GroupMessage(ANY, leases.cache.popleft()))
        return settled

    monkeypatch.setattr(queues, "settle", settle_and_fetch)
    message = hold()

    leases.settle(Settlement(message.key, RetryAfter(), message.stamp), at_once=True)

    assert leases.running(message.key)


def test_a_full_batch_goes_with_the_next_round(leases, hold, queues, group):
    leases.keep()
    for _ in range(FULL):
        leases.settle(_done(hold()), at_once=False)

    leases.keep()

    assert queues.totals(group).leased == 0


def test_whoever_settles_while_the_consumer_sleeps_in_redis_sends_it_himself(
    leases, hold, queues, group, client
):
    message = hold()
    queues.wait(group, timedelta(seconds=1))  # the token of what is held
    leases.next_fetch = leases._next_heartbeat = leases._next_reap = float("inf")
    sleeping = threading.Thread(target=leases.wait_for_work, args=(3,))
    sleeping.start()
    eventually(lambda: client.info("clients")["blocked_clients"] > 0)

    leases.settle(Settlement(message.key, RetryAfter(), message.stamp), at_once=False)

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
    leases.settle(_done(settled), at_once=False)

    assert leases.room(10) == 8


def test_closing_gives_the_cache_back_and_sends_what_is_settled(leases, hold, put, queues, group):
    message = hold()
    put(7)
    leases.fetch(1)
    leases.settle(_done(message), at_once=False)

    leases.close()

    totals = queues.totals(group)
    assert (totals.waiting, totals.leased, totals.consumers) == (1, 0, 0)


def _done(message):
    return Settlement(message.key, Ack(), message.stamp)


def test_a_lease_that_an_old_snapshot_brought_back_is_given_back(leases, hold, queues, group, put):
    hold()
    put(7)
    queues.fetch(group, "c1", 1)

    leases.keep()  # the heartbeat extends one lease more than there are here
    leases.keep()

    totals = queues.totals(group)
    assert (totals.leased, totals.waiting) == (1, 1)


def test_what_is_held_is_never_taken_for_a_lease_of_before(leases, hold, queues, group):
    running, settled = hold(), hold()
    leases.settle(_done(settled), at_once=False)

    leases.keep()
    leases.keep()

    assert leases.running(running.key)
    leases.flush()
    assert queues.totals(group).leased == 1
