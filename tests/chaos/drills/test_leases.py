"""Drills 5 and 6: a worker that sleeps past its lease, and a job that kills its workers."""

import pytest

from tests.chaos import job_types
from tests.waiting import eventually


@pytest.mark.drill("5", "stopped past the lease (SIGSTOP)")
def test_a_worker_that_wakes_after_its_lease_settles_nothing(world, fleet, load, is_long, drill):
    jobs = 20 if is_long else 4
    go_on = fleet.folder / "go on"
    load.enqueue(job_types.WAIT, jobs, path=str(go_on))
    sleeper = fleet.worker(threads=jobs)
    eventually(lambda: started(world) == jobs, within=120)

    sleeper.stop()
    other = fleet.worker(threads=jobs)
    eventually(lambda: effects(world) == jobs, within=120)
    go_on.touch()
    sleeper.wake()
    eventually(lambda: sleeper.has_logged("job_lease_lost", times=jobs), within=120)

    count = load.count()
    assert world.ask("SELECT DISTINCT fence FROM drill.effect") == [(2,)], "a late settle went in"
    eventually(lambda: other.has_logged("job_succeeded", times=jobs))
    drill.says(f"{jobs} late settles refused: {count}")


def effects(world) -> int:
    [[count]] = world.ask("SELECT count(*) FROM drill.effect")
    return count


def started(world) -> int:
    [[count]] = world.ask(
        "SELECT count(*) FROM jobs_job WHERE job_type = 'chaos.wait' AND started_at IS NOT NULL"
    )
    return count


@pytest.mark.drill("6", "a job that kills its worker")
def test_a_killer_is_buried_and_its_neighbours_succeed(world, fleet, load, is_long, drill):
    jobs = 400 if is_long else 40
    [killer] = load.enqueue(job_types.KILL_WORKER, seconds=0.2)
    load.enqueue(job_types.WRITE, jobs, seconds=0.05)
    fleet.scheduler()
    workers = [fleet.worker() for _ in range(4)]

    count = load.count(dead=1)

    assert count.dead == {"worker_lost": 1}
    eventually(lambda: sum(one.process.poll() is None for one in workers) == 1, within=60)
    starts = world.ask("SELECT fence FROM drill.start WHERE job = %s", str(killer.job_id))
    assert len(starts) == 3, "it ran more or less often than it killed"
    counted = world.ask(
        "SELECT count(*) FROM jobs_job WHERE losses > 0 AND id <> %s", killer.job_id
    )
    assert counted == [(0,)], "a neighbour is still suspected"
    drill.says(f"3 workers died: {count}")
