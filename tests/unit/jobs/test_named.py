"""Which hundred organizations the metrics name."""

from jobs.alerts.conditions import Count, Queue
from jobs.gauges import named


def line(number: int, *, oldest: float = 0, depth: int = 1) -> dict[Queue, Count]:
    queue = Queue(organization_id=number, group="audit")
    return {queue: Count(depth=depth, oldest_seconds=oldest)}


def test_those_with_an_alert_come_first_whatever_waits() -> None:
    lines = {queue: count for n in range(200) for queue, count in line(n, oldest=n).items()}

    names = named({900, 0}, lines, {})

    assert len(names) == 100
    assert names == {900, 0, *range(102, 200)}


def test_then_those_that_wait_longest_then_those_with_most_waiting() -> None:
    lines = line(1, oldest=9) | line(2, oldest=5, depth=7) | line(3, oldest=5, depth=8)

    assert named((), lines, {}, most=2) == {1, 3}


def test_the_last_places_go_to_those_that_fail_with_nothing_waiting() -> None:
    assert named((), line(1), {2: (9, 1), 3: (9, 8)}, most=2) == {1, 3}
