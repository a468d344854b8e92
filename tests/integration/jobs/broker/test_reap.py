"""reap: what becomes of the leases of a consumer that fell silent."""

from datetime import timedelta

from jobs.broker import MessageKey
from jobs.broker.queues import MOST_FETCHED


def test_what_a_silent_consumer_held_goes_back_and_counts_a_lost_lease(
    queues, hasty, group, put, fetch, reaped
):
    put(7, "m")
    hasty.fetch(group, "dead", 10)

    assert reaped() == [(MessageKey(7, "m"), 1)]
    assert [leased.deliveries for leased in fetch()] == [1]


def test_lost_leases_add_up(queues, hasty, group, put, fetch, reaped):
    put(7, "m")
    for expected in (1, 2, 3):
        hasty.fetch(group, f"dead-{expected}", 10)
        assert [lost for _, lost in reaped()] == [expected]


def test_reaped_messages_go_back_to_the_front(queues, hasty, group, put, fetch, reaped):
    for message_id in ("a", "b", "c"):
        put(7, message_id)
    hasty.fetch(group, "dead", 2)

    reaped()

    assert [leased.message_id for leased in fetch()] == ["a", "b", "c"]


def test_what_had_started_when_its_consumer_died_goes_behind_its_line(
    queues, hasty, group, put, fetch, reaped
):
    for message_id in ("a", "b", "c"):
        put(7, message_id)
    hasty.fetch(group, "dead", 2)
    hasty.heartbeat(group, "dead", [MessageKey(7, "a")])

    reaped()

    assert [leased.message_id for leased in fetch()] == ["b", "c", "a"]


def test_what_was_lost_before_goes_behind_its_line(queues, hasty, group, put, fetch, reaped):
    put(7, "a")
    hasty.fetch(group, "dead", 1)
    reaped()
    put(7, "b")
    hasty.fetch(group, "dead", 1)

    reaped()

    assert [leased.message_id for leased in fetch()] == ["b", "a"]


def test_a_living_consumer_is_not_reaped(queues, group, put, fetch):
    put(7, "m")
    fetch()

    answer = queues.reap(group)

    assert answer.messages == []
    assert timedelta(seconds=29) < answer.next_end <= timedelta(seconds=30)


def test_a_consumer_that_wakes_up_too_late_settles_nothing(
    queues, hasty, group, put, fetch, reaped
):
    put(7, "m")
    late = hasty.fetch(group, "late", 10).messages
    reaped()
    [again] = fetch(consumer_id="c2")

    assert queues.ack(group, "late", [leased.key for leased in late]) == 0
    assert queues.ack(group, "c2", [again.key]) == 1


def test_a_consumer_with_many_leases_is_reaped_in_steps(queues, hasty, group, put, reaped):
    for _ in range(130):
        put(7)
    for _ in range(9):
        hasty.fetch(group, "dead", MOST_FETCHED)

    assert [len(reaped()) for _ in range(11)] == [12] * 10 + [10]
    assert queues.totals(group).consumers == 0
