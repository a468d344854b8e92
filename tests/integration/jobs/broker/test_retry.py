"""retry: a message comes back after a delay."""

from datetime import timedelta

from jobs.broker import MessageKey, RetryAfter
from tests.waiting import eventually

HOUR = timedelta(hours=1)


def test_a_retried_message_comes_back_after_its_delay_with_its_new_body(queues, group, put, fetch):
    put(7, "m")
    fetch()

    after = RetryAfter(delay=timedelta(milliseconds=1), body=b"second")
    assert queues.retry(group, "c1", {MessageKey(7, "m"): after}) == 1
    [leased] = eventually(fetch)

    assert leased.body == b"second"
    assert leased.deliveries == 0


def test_a_retry_without_a_body_keeps_the_old_one(queues, group, put, fetch):
    put(7, "m")
    fetch()

    queues.retry(group, "c1", {MessageKey(7, "m"): RetryAfter()})

    assert [leased.body for leased in fetch()] == [b"m"]


def test_a_retry_without_delay_goes_behind_what_waits(queues, group, put, fetch):
    put(7, "first")
    fetch()
    put(7, "second")

    queues.retry(group, "c1", {MessageKey(7, "first"): RetryAfter()})

    assert [leased.message_id for leased in fetch()] == ["second", "first"]


def test_a_retry_without_delay_wakes_an_idle_consumer(queues, group, put, fetch):
    put(7, "m")
    queues.wait(group, HOUR)
    fetch()

    queues.retry(group, "c1", {MessageKey(7, "m"): RetryAfter()})

    assert queues.wait(group, HOUR)


def test_a_retry_that_is_the_first_to_come_due_wakes_whoever_sleeps_longer(
    queues, group, put, fetch
):
    put(7, "m")
    queues.wait(group, HOUR)
    fetch()

    queues.retry(group, "c1", {MessageKey(7, "m"): RetryAfter(delay=HOUR)})

    assert queues.wait(group, HOUR)


def test_a_message_that_backs_off_is_neither_waiting_nor_leased(queues, group, put, fetch):
    put(7, "m")
    fetch()

    queues.retry(group, "c1", {MessageKey(7, "m"): RetryAfter(delay=HOUR)})

    totals = queues.totals(group)
    assert (totals.waiting, totals.delayed, totals.leased) == (0, 1, 0)


def test_a_retry_under_a_lost_lease_changes_nothing(queues, group, put, fetch):
    put(7, "m")
    fetch(consumer_id="c1")

    assert queues.retry(group, "c2", {MessageKey(7, "m"): RetryAfter(body=b"wrong")}) == 0
    queues.release(group, "c1", [MessageKey(7, "m")])

    assert [leased.body for leased in fetch()] == [b"m"]
