"""flush: all that has not started is dropped."""

from datetime import timedelta

from jobs.broker.queues import _FLUSH

HOUR = timedelta(hours=1)


def test_flush_drops_what_waits_and_is_delayed_but_not_what_runs(queues, group, put, fetch):
    put(7, "leased")
    fetch()
    for organization_id in range(130):
        put(organization_id)
    put(7, "delayed", HOUR)

    assert queues.flush(group) == 131

    totals = queues.totals(group)
    assert (totals.waiting, totals.delayed, totals.leased) == (0, 0, 1)


def test_a_large_group_is_flushed_in_steps(queues, group, put):
    for number in range(30):
        put(number % 3)

    assert [queues._run(_FLUSH, group) for _ in range(3)] == [16, 14, 0]
