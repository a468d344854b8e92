"""Drill 12: one organization tries everything to get more than its share."""

from collections import Counter

import pytest

from tenancy.models import Mission
from tests.chaos import job_types
from tests.chaos.load import Load
from tests.factories import mission, project

ROUNDS = 10  # jobs of each modest organization
SECONDS = 0.01  # that every one of them takes, those of the greedy one too
# What a worker holds when others come, and what a mean of run times is wrong by at first.
SLACK = 15


@pytest.mark.drill("12", "one organization takes all it can")
def test_a_greedy_organization_gets_its_share(world, fleet, is_long, drill):
    modest, greed = (100, 200) if is_long else (20, 60)
    load = Load(world)
    load.organizations(modest + 1)
    greedy, *others = load.missions
    ask_for_all_that_helps(load, greedy, greed)
    for _ in range(ROUNDS):
        for one in others:
            load.enqueue(job_types.NOTE, of=one, seconds=SECONDS)
    fleet.scheduler()
    fleet.worker(threads=4)

    count = load.count()

    ahead = most_ahead(world, greedy, others)
    assert ahead <= SLACK, f"the greedy one was {ahead} starts ahead of everybody else"
    [[greedy_starts]] = world.ask(
        "SELECT count(*) FROM drill.start WHERE organization = %s", greedy.organization_id
    )
    drill.says(
        f"{greedy_starts} starts of one beside {ROUNDS} each of {modest}: never more than {ahead} "
        f"ahead: {count}"
    )


def ask_for_all_that_helps(load: Load, greedy: Mission, greed: int) -> None:
    """Many projects, job types and correlation ids, retries at once, and huge fan-outs."""
    places = [mission(project(greedy.organization)) for _ in range(5)]
    for number, job_type in enumerate(job_types.NOTES):
        load.enqueue(
            job_type,
            greed,
            of=places[number % len(places)],
            correlation_id=f"greed-{number}",
            seconds=SECONDS,
            failures=2,
        )
    load.enqueue(job_types.NOTE, greed * 5, of=greedy, seconds=SECONDS)


def most_ahead(world, greedy: Mission, others: list[Mission]) -> int:
    """How many more starts the greedy one had, at any start, than the least served of those who
    still had something waiting: counted in the order of starts, not in seconds."""
    starts: Counter[int] = Counter()
    waiting = {one.organization_id for one in others}
    most = 0
    for (organization,) in world.ask("SELECT organization FROM drill.start ORDER BY number"):
        starts[organization] += 1
        if starts[organization] == ROUNDS:
            waiting.discard(organization)
        if waiting:
            least = min(starts[one] for one in waiting)
            most = max(most, starts[greedy.organization_id] - least)
    return most
