"""settle: several leases end in one round trip."""

from datetime import timedelta

from jobs.broker import Ack, Release, RetryAfter, Settlement

HOUR = timedelta(hours=1)


def test_more_settlements_than_one_script_may_move_are_sent_in_steps(queues, group, put, fetch):
    for _ in range(130):
        put(7)
    keys = [leased.key for _ in range(9) for leased in fetch(20)]

    assert queues.ack(group, "c1", keys) == 130


def test_all_three_ways_go_together(queues, group, put, fetch):
    for message_id in ("done", "later", "back"):
        put(7, message_id)
    ways = {"done": Ack(), "later": RetryAfter(delay=HOUR), "back": Release()}

    settled = queues.settle(
        group, "c1", [Settlement(one.key, ways[one.message_id], one.stamp) for one in fetch()]
    )

    totals = queues.totals(group)
    assert settled == 3
    assert (totals.waiting, totals.delayed, totals.leased) == (1, 1, 0)


def test_a_script_that_redis_forgot_is_sent_with_the_others(queues, group, put, fetch, client):
    for message_id in ("done", "back"):
        put(7, message_id)
    ways = {"done": Ack(), "back": Release()}
    messages = fetch()
    client.script_flush()

    assert (
        queues.settle(
            group, "c1", [Settlement(one.key, ways[one.message_id], one.stamp) for one in messages]
        )
        == 2
    )


def test_the_same_lease_ends_once(queues, group, put, fetch):
    put(7, "m")
    [leased] = fetch()
    settlement = Settlement(leased.key, Ack(), leased.stamp)

    assert queues.settle(group, "c1", [settlement, settlement]) == 1


def test_nothing_to_settle_asks_nobody(queues, group):
    assert queues.settle(group, "c1", []) == 0
