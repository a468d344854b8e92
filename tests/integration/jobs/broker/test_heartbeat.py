"""heartbeat: what keeps leases alive."""

from datetime import timedelta


def test_one_heartbeat_extends_all_leases_of_its_consumer(queues, hasty, group, put):
    for _ in range(3):
        put(7)
    hasty.fetch(group, "c1", 10)

    assert queues.heartbeat(group, "c1") == 3
    assert queues.reap(group).next_end > timedelta(seconds=29)


def test_a_heartbeat_after_the_reaping_says_so_and_extends_nothing(
    queues, hasty, group, put, reaped
):
    put(7, "m")
    hasty.fetch(group, "late", 10)
    reaped()

    assert queues.heartbeat(group, "late") is None
    assert queues.totals(group).waiting == 1
