"""ack, retry and release: the three ways in which a lease ends by its holder's hand."""

from datetime import timedelta

from jobs.broker import MessageKey, RetryAfter
from tests.waiting import eventually

HOUR = timedelta(hours=1)


def test_an_acknowledged_message_is_forgotten(queues, group, put, fetch):
    put(7, "m")
    keys = [leased.key for leased in fetch()]

    assert queues.ack(group, "c1", keys) == 1
    assert queues.known(group, 7, ["m"]) == set()
    assert queues.totals(group).leased == 0


def test_acknowledging_twice_is_harmless(queues, group, put, fetch):
    put(7, "m")
    keys = [leased.key for leased in fetch()]
    queues.ack(group, "c1", keys)

    assert queues.ack(group, "c1", keys) == 0


def test_a_consumer_cannot_acknowledge_what_another_holds(queues, group, put, fetch):
    put(7, "m")
    keys = [leased.key for leased in fetch(consumer_id="c1")]

    assert queues.ack(group, "c2", keys) == 0
    assert queues.known(group, 7, ["m"]) == {"m"}


def test_the_same_id_of_another_organization_is_not_acknowledged(queues, group, put, fetch):
    put(7, "m")
    put(8, "m")
    fetch()

    queues.ack(group, "c1", [MessageKey(7, "m")])

    assert queues.known(group, 8, ["m"]) == {"m"}
    assert queues.totals(group).leased == 1


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


def test_more_settlements_than_one_script_may_move_are_sent_in_steps(queues, group, put, fetch):
    for _ in range(130):
        put(7)
    keys = [leased.key for _ in range(5) for leased in fetch(32)]

    assert queues.ack(group, "c1", keys) == 130
