"""How long something must be wrong until an alert opens, and right until it closes."""

from jobs.alerts.conditions import CONDITIONS, Kind, Subject
from jobs.alerts.states import MOST_FOLLOWED, AlertState, Step, advance, follow

OPEN, PENDING, CLOSED = AlertState.OPEN, AlertState.PENDING, AlertState.CLOSED


def walk(*holds: bool, for_minutes: int) -> list[AlertState | None]:
    """The state after each minute, until it is closed."""
    step: Step | None = None
    states: list[AlertState | None] = []
    for one in holds:
        step = advance(step, one, for_minutes=for_minutes)
        states.append(step and step.state)
    return states


def test_it_opens_when_the_condition_has_held_for_its_minimum() -> None:
    assert walk(True, True, True, for_minutes=2) == [PENDING, PENDING, OPEN]
    assert walk(True, for_minutes=0) == [OPEN]


def test_a_minute_in_between_begins_the_minimum_anew() -> None:
    assert walk(True, True, False, True, True, for_minutes=2) == [
        PENDING, PENDING, None, PENDING, PENDING,
    ]  # fmt: skip


def test_it_closes_after_five_quiet_minutes() -> None:
    states = walk(True, *[False] * 6, for_minutes=0)

    assert states == [OPEN] * 6 + [CLOSED]


def test_one_bad_minute_among_quiet_ones_keeps_it_open() -> None:
    states = walk(True, *[False] * 5, True, *[False] * 5, for_minutes=0)

    assert states == [OPEN] * 12


def subject(number: int) -> Subject:
    return Subject(kind=Kind.JOBS_FAIL, organization_id=number)


def test_of_one_kind_a_hundred_are_followed_the_worst_first() -> None:
    found = {subject(number): float(number) for number in range(150)}

    steps = follow({}, found)

    assert set(steps) == {subject(number) for number in range(50, 150)}


def test_who_is_followed_stays_so_when_others_get_worse() -> None:
    live = {subject(number): Step(state=OPEN) for number in range(MOST_FOLLOWED)}
    found = {subject(number): float(number) for number in range(200)}

    assert set(follow(live, found)) == set(live)


def test_what_was_not_judged_stays_where_it_is() -> None:
    grows = Subject(kind=Kind.QUEUE_GROWS, organization_id=1, group="audit")
    blind = [condition for condition in CONDITIONS if not condition.reads_queues]

    assert follow({grows: Step(state=OPEN)}, {}, blind) == {}
