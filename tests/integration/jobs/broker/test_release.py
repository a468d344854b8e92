"""release: a message is given back unstarted."""

from datetime import timedelta

from jobs.broker import MessageKey

HOUR = timedelta(hours=1)


def test_released_messages_return_to_the_front_in_their_order(queues, group, put, fetch):
    for message_id in ("a", "b", "c"):
        put(7, message_id)
    fetch(2)

    assert queues.release(group, "c1", [MessageKey(7, "b"), MessageKey(7, "a")]) == 2

    assert [leased.message_id for leased in fetch()] == ["a", "b", "c"]


def test_a_release_is_not_counted(queues, group, put, fetch):
    put(7, "m")
    fetch()

    queues.release(group, "c1", [MessageKey(7, "m")])

    assert [leased.deliveries for leased in fetch()] == [0]


def test_a_release_wakes_an_idle_consumer(queues, group, put, fetch):
    put(7, "m")
    queues.wait(group, HOUR)
    fetch()

    queues.release(group, "c1", [MessageKey(7, "m")])

    assert queues.wait(group, HOUR)
