"""An organization floods the queue and is paused: it starts nothing more, and the others go on.

Counted, not timed: what started after `pause` returned, by the clock of PostgreSQL.
"""

import pytest

from jobs import control
from tests.chaos import job_types
from tests.chaos.job_types import GROUP
from tests.chaos.load import Load
from tests.chaos.world import World
from tests.factories.people import operating
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 2
WORKERS = 2


def starts(world: World, organization_ids: list[int], *, since: object = None) -> int:
    """How many attempts of these organizations have begun, after this moment."""
    statement = "SELECT count(*) FROM drill.start WHERE organization = ANY (%s)"
    if since is None:
        [[count]] = world.ask(statement, organization_ids)
    else:
        [[count]] = world.ask(f"{statement} AND at > %s", organization_ids, since)
    return int(count)


@pytest.fixture
def sizes(is_long: bool) -> tuple[int, int]:
    """Organizations besides, and how many jobs wait for the one that floods."""
    return (200, 20_000) if is_long else (8, 400)


def test_a_flood_that_is_paused_starts_nothing_more_and_holds_nobody_up(
    world: World, load: Load, sizes: tuple[int, int]
) -> None:
    organizations, flood = sizes
    load.organizations(organizations)
    noisy, *others = load.missions
    beside = [one.organization_id for one in others]
    load.enqueue(job_types.NOTE, flood, of=noisy, seconds=0.05)
    workers = [world.fleet.worker(GROUP, threads=THREADS) for _ in range(WORKERS)]
    for one in workers:
        one.wait_until_up()
    of = noisy.organization_id
    eventually(lambda: starts(world, [of]) > THREADS * WORKERS, within=60)

    with operating():
        control.pause(of, GROUP, reason="it floods everybody")
    [[returned]] = world.ask("SELECT clock_timestamp()")
    for one in others:
        load.enqueue(job_types.NOTE, 20, of=one, seconds=0.01)
    eventually(lambda: starts(world, beside) == 20 * len(others), within=60)

    # One for each thread had begun, and had not yet said so.
    assert starts(world, [of], since=returned) <= THREADS * WORKERS
    [[waiting]] = world.ask(
        "SELECT count(*) FROM jobs_job WHERE organization_id = %s AND state = 'queued'", of
    )
    assert waiting > flood // 2

    with operating():
        control.resume(of, GROUP, reason="it was told")
    at = starts(world, [of])
    eventually(lambda: starts(world, [of]) > at + THREADS * WORKERS, within=60)
