"""reclaim: leases that their holder never heard of."""

from jobs.broker import MessageKey


def test_leases_that_the_consumer_never_heard_of_are_released(queues, group, put, fetch):
    put(7, "heard")
    put(7, "unheard")
    fetch()

    assert queues.reclaim(group, "c1", [MessageKey(7, "heard")]) == 1

    assert [leased.message_id for leased in fetch(consumer_id="c2")] == ["unheard"]
    assert queues.ack(group, "c1", [MessageKey(7, "heard")]) == 1
