"""Drill 2: Redis loses its data, all of them or the latest, while jobs of all families run."""

import shutil
from functools import partial

import pytest

from jobs import control
from tenancy.acting import Actor, acting
from tests.chaos import job_types
from tests.factories import mission, operator
from tests.factories.jobs import at
from tests.waiting import eventually


@pytest.mark.drill("2", "Redis killed, flushed, set back")
def test_redis_loses_its_data(world, fleet, load, redis, chance, is_long, drill):
    jobs = 4_000 if is_long else 300
    paused = mission()
    steer(paused, control.pause)
    load.enqueue(job_types.WRITE, 20, of=paused)
    fleet.scheduler()
    fleet.worker()
    fleet.worker()
    snapshot = fleet.folder / "snapshot.rdb"
    ways = [redis.flushall, partial(killed, world), redis.flushall, partial(killed, world)]
    if is_long:  # what an old snapshot lacks is put back by the sweep, once a minute
        ways.append(partial(killed, world, keeping=snapshot))
    else:
        ways = ways[:2]

    with load.feeding(jobs):
        for number, lose in enumerate(ways):
            load.let_pass(chance.randrange(jobs // len(ways)), most=jobs * 3 // 4)
            if number == 1:
                redis.save()
                shutil.copy(dump(world), snapshot)
            lose()
    eventually(lambda: load.oracle.unfinished() == 20, within=300)
    assert writes(world, paused) == 0, "Redis forgot that an organization was paused"
    steer(paused, control.resume)

    drill.says(f"lost {len(ways)} times: {load.count()}")


def steer(of, how) -> None:
    with acting(Actor.operator(operator().pk), source="command"), at(of.organization_id):
        how(of.organization_id, "audit", reason="a drill")


def writes(world, of) -> int:
    [[count]] = world.ask("SELECT count(*) FROM tenancy_timelineentry WHERE mission_id = %s", of.pk)
    return count


def killed(world, keeping=None) -> None:
    """Killed, and started empty or with an old snapshot."""
    world.valkey.kill()
    dump(world).unlink(missing_ok=True)
    if keeping is not None:
        shutil.copy(keeping, dump(world))
    world.valkey.start()


def dump(world):
    return world.valkey.places.valkey / "dump.rdb"
