"""leave: a consumer that fetches no more."""

from datetime import timedelta


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
