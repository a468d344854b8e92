"""control: what an organization may take of a group, from the very next fetch on."""

from collections import Counter
from datetime import timedelta

import pytest

from jobs.broker import Ack, Control, Entry, MessageKey, RetryAfter, Settlement
from tests.waiting import eventually

HOUR = timedelta(hours=1)
SOON = timedelta(milliseconds=1)


@pytest.fixture
def load(queues, group):
    def load(organization_id, count):
        queues.enqueue(
            Entry(organization_id=organization_id, group=group, message_id=f"m{i}", body=b"b")
            for i in range(count)
        )

    return load


@pytest.fixture
def control(queues, group):
    """Set the control of one organization."""

    def control(organization_id, **values):
        queues.control(group, {organization_id: Control(**values)})

    return control


def served(fetch, count):
    return Counter(leased.organization_id for leased in fetch(count))


def test_a_paused_organization_is_not_served_and_delays_nobody(load, control, fetch, queues, group):
    load(7, 3)
    load(8, 3)
    control(7, is_paused=True)

    assert served(fetch, 10) == {8: 3}
    assert queues.depth(group, 7).waiting == 3


def test_what_arrives_during_a_pause_waits_and_wakes_nobody(load, control, fetch, queues, group):
    control(7, is_paused=True)
    load(7, 3)

    assert not queues.wait(group, SOON)
    assert served(fetch, 10) == {}
    assert [depth.organization_id for depth in queues.depths(group)] == [7]


def test_a_resumed_organization_is_served_and_wakes_a_consumer(load, control, fetch, queues, group):
    load(7, 3)
    control(7, is_paused=True)
    queues.wait(group, SOON)

    control(7)

    assert queues.wait(group, timedelta(seconds=1))
    assert served(fetch, 10) == {7: 3}


def test_no_more_than_the_limit_are_leased_across_all_consumers(load, control, fetch):
    load(7, 10)
    control(7, limit=3)

    assert served(lambda n: fetch(n, "c1"), 2) == {7: 2}
    assert served(lambda n: fetch(n, "c2"), 10) == {7: 1}


@pytest.mark.parametrize("how", [Ack(), RetryAfter(delay=HOUR)])
def test_a_slot_is_free_again_when_a_lease_ends(load, control, fetch, queues, group, how):
    load(7, 10)
    control(7, limit=1)
    [leased] = fetch()
    queues.wait(group, SOON)

    queues.settle(group, "c1", [Settlement(leased.key, how)])

    assert queues.wait(group, timedelta(seconds=1))
    assert served(fetch, 10) == {7: 1}


def test_a_slot_is_free_again_when_a_message_is_given_back(load, control, fetch, queues, group):
    load(7, 2)
    control(7, limit=1)
    fetch()

    queues.release(group, "c1", [MessageKey(7, "m0")])

    assert [leased.message_id for leased in fetch()] == ["m0"]


def test_a_slot_is_free_again_when_its_consumer_was_reaped(
    load, control, fetch, queues, hasty, group
):
    load(7, 2)
    control(7, limit=1)
    hasty.fetch(group, "dead", 10)

    eventually(lambda: queues.reap(group).messages)

    assert len(fetch()) == 1


def test_a_limit_that_is_lowered_waits_until_enough_have_ended(load, control, fetch, queues, group):
    load(7, 10)
    keys = [leased.key for leased in fetch(4)]

    control(7, limit=2)
    queues.ack(group, "c1", keys[:2])
    assert not fetch()
    queues.ack(group, "c1", keys[2:3])

    assert len(fetch()) == 1


def test_a_rate_lets_a_burst_start_and_then_one_at_a_time(load, control, fetch, queues, group):
    load(7, 10)
    control(7, rate=0.001, burst=3)

    assert served(fetch, 10) == {7: 3}

    fetched = queues.fetch(group, "c1", 10)
    assert not fetched.messages
    assert timedelta(seconds=999) < fetched.next_due <= timedelta(seconds=1000)


def test_the_next_one_starts_when_its_token_comes(load, control, fetch):
    load(7, 2)
    control(7, rate=200, burst=1)

    assert served(fetch, 10) == {7: 1}
    assert eventually(fetch)[0].organization_id == 7


def test_a_message_that_was_given_back_gives_its_token_back(load, control, fetch, queues, group):
    load(7, 2)
    control(7, rate=0.001, burst=1)
    fetch()

    queues.release(group, "c1", [MessageKey(7, "m0")])

    assert [leased.message_id for leased in fetch()] == ["m0"]


def test_an_organization_without_tokens_delays_nobody(load, control, fetch):
    load(7, 10)
    control(7, rate=0.001)
    load(8, 3)

    assert served(fetch, 10) == {7: 1, 8: 3}


def test_a_new_rate_starts_with_a_full_bucket(load, control, fetch):
    load(7, 10)
    control(7, rate=0.001)
    fetch()

    control(7, rate=0.001, burst=2)

    assert served(fetch, 10) == {7: 2}


def test_shares_follow_the_weights(load, control, fetch):
    load(7, 50)
    load(8, 50)
    control(7, weight=3)

    assert served(fetch, 16) == {7: 12, 8: 4}


def test_recovery_sets_controls_before_it_opens_the_epoch(live_valkey):
    from jobs.broker.queues import Queues

    own = Queues(live_valkey.url)
    own.control("g", {7: Control(is_paused=True)}, recovering=True)
    own.enqueue([Entry(organization_id=7, group="g", message_id="m", body=b"b")], recovering=True)
    own.open_epoch()

    assert not own.fetch("g", "c", 1).messages
    assert own.controls("g") == {7: Control(is_paused=True)}
    own.close()
