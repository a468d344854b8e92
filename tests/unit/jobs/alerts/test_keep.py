"""Which organizations get a row of a minute, when there are more than it keeps."""

from jobs.alerts.conditions import Count, Queue
from jobs.alerts.minutes import keep


def queue(number: int | None) -> Queue:
    return Queue(organization_id=number, group="backfill")


def test_the_groups_are_kept_whatever_else_there_is() -> None:
    counts = {queue(None): Count(), **{queue(n): Count(depth=1) for n in range(10)}}

    assert queue(None) in keep(counts, most=4)
    assert len(keep(counts, most=4)) <= 5


def test_those_that_wait_longest_and_those_that_fail_most_are_kept() -> None:
    calm = {queue(n): Count(depth=500, oldest_seconds=1, attempts=500) for n in range(100)}
    old = {queue(200): Count(depth=1, oldest_seconds=60)}
    failing = {queue(201): Count(attempts=3, failed=3)}

    kept = keep(calm | old | failing, most=4)

    assert len(kept) <= 4
    assert {queue(200), queue(201)} <= set(kept)


def test_who_has_an_alert_comes_first() -> None:
    counts = {queue(n): Count(depth=n, oldest_seconds=n) for n in range(1, 100)}

    assert queue(1) in keep(counts, alerted={1}, most=2)
