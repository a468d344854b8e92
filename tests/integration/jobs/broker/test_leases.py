"""heartbeat, reap, reclaim and leave: how leases last, and how they end without their holder."""

from datetime import timedelta

from jobs.broker import MessageKey
from jobs.broker.queues import MOST_FETCHED
from tests.waiting import eventually


def reaped(queues, group):
    return eventually(lambda: queues.reap(group).messages)


def test_what_a_silent_consumer_held_goes_back_and_counts_a_lost_lease(
    queues, hasty, group, put, fetch
):
    put(7, "m")
    hasty.fetch(group, "dead", 10)

    assert reaped(queues, group) == [(MessageKey(7, "m"), 1)]
    assert [leased.deliveries for leased in fetch()] == [1]


def test_lost_leases_add_up(queues, hasty, group, put, fetch):
    put(7, "m")
    for expected in (1, 2, 3):
        hasty.fetch(group, f"dead-{expected}", 10)
        assert [lost for _, lost in reaped(queues, group)] == [expected]


def test_reaped_messages_go_back_to_the_front(queues, hasty, group, put, fetch):
    for message_id in ("a", "b", "c"):
        put(7, message_id)
    hasty.fetch(group, "dead", 2)

    reaped(queues, group)

    assert [leased.message_id for leased in fetch()] == ["a", "b", "c"]


def test_what_had_started_when_its_consumer_died_goes_behind_its_line(
    queues, hasty, group, put, fetch
):
    for message_id in ("a", "b", "c"):
        put(7, message_id)
    hasty.fetch(group, "dead", 2)
    hasty.heartbeat(group, "dead", [MessageKey(7, "a")])

    reaped(queues, group)

    assert [leased.message_id for leased in fetch()] == ["b", "c", "a"]


def test_what_was_lost_before_goes_behind_its_line(queues, hasty, group, put, fetch):
    put(7, "a")
    hasty.fetch(group, "dead", 1)
    reaped(queues, group)
    put(7, "b")
    hasty.fetch(group, "dead", 1)

    reaped(queues, group)

    assert [leased.message_id for leased in fetch()] == ["b", "a"]


def test_a_living_consumer_is_not_reaped(queues, group, put, fetch):
    put(7, "m")
    fetch()

    answer = queues.reap(group)

    assert answer.messages == []
    assert timedelta(seconds=29) < answer.next_end <= timedelta(seconds=30)


def test_one_heartbeat_extends_all_leases_of_its_consumer(queues, hasty, group, put):
    for _ in range(3):
        put(7)
    hasty.fetch(group, "c1", 10)

    assert queues.heartbeat(group, "c1") == 3
    assert queues.reap(group).next_end > timedelta(seconds=29)


def test_a_heartbeat_after_the_reaping_says_so_and_extends_nothing(queues, hasty, group, put):
    put(7, "m")
    hasty.fetch(group, "late", 10)
    reaped(queues, group)

    assert queues.heartbeat(group, "late") is None
    assert queues.totals(group).waiting == 1


def test_a_consumer_that_wakes_up_too_late_settles_nothing(queues, hasty, group, put, fetch):
    put(7, "m")
    late = hasty.fetch(group, "late", 10).messages
    reaped(queues, group)
    [again] = fetch(consumer_id="c2")

    assert queues.ack(group, "late", [leased.key for leased in late]) == 0
    assert queues.ack(group, "c2", [again.key]) == 1


def test_a_consumer_with_many_leases_is_reaped_in_steps(queues, hasty, group, put):
    for _ in range(130):
        put(7)
    for _ in range(5):
        hasty.fetch(group, "dead", MOST_FETCHED)

    assert [len(reaped(queues, group)) for _ in range(3)] == [50, 50, 30]
    assert queues.totals(group).consumers == 0


def test_leases_that_the_consumer_never_heard_of_are_released(queues, group, put, fetch):
    put(7, "heard")
    put(7, "unheard")
    fetch()

    assert queues.reclaim(group, "c1", [MessageKey(7, "heard")]) == 1

    assert [leased.message_id for leased in fetch(consumer_id="c2")] == ["unheard"]
    assert queues.ack(group, "c1", [MessageKey(7, "heard")]) == 1


def test_a_consumer_that_holds_nothing_leaves_at_once(queues, group, fetch):
    fetch()

    assert queues.leave(group, "c1")
    assert queues.totals(group).consumers == 0


def test_a_consumer_that_leaves_wakes_another_for_what_waits(queues, group, put, fetch):
    put(7, "m")
    queues.wait(group, timedelta(seconds=1))  # took the token, and will not fetch

    queues.leave(group, "c1")

    assert queues.wait(group, timedelta(seconds=1))


def test_a_consumer_that_still_holds_something_stays_to_be_reaped(queues, group, put, fetch):
    put(7, "m")
    fetch()

    assert not queues.leave(group, "c1")
    assert queues.totals(group).consumers == 1
