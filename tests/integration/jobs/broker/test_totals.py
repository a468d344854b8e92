"""totals: the size of a group."""

from datetime import timedelta

HOUR = timedelta(hours=1)


def test_totals_tell_the_size_of_the_group(queues, group, put, fetch):
    put(None)
    put(7)
    put(8, "delayed", HOUR)
    fetch(1)

    totals = queues.totals(group)

    assert (totals.waiting, totals.delayed, totals.leased) == (1, 1, 1)
    assert (totals.organizations, totals.consumers) == (1, 1)
    assert totals.oldest > timedelta(0)
