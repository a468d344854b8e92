"""Drill 7: two of everything, and one of them dies."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.chaos import job_types


@pytest.mark.drill("7", "two of everything")
def test_two_of_everything_do_the_work_once(world, fleet, load, redis, chance, is_long, drill):
    jobs = 3_000 if is_long else 200
    schedulers = [fleet.scheduler(), fleet.scheduler()]
    workers = [fleet.worker(), fleet.worker()]
    soon = datetime.now(UTC) + timedelta(seconds=3)
    load.enqueue(job_types.WRITE, jobs // 4, run_at=soon)  # for the relays
    workers[0].wait_until_up()

    with load.feeding(jobs):
        load.let_pass(chance.randrange(jobs // 4), most=jobs // 2)
        redis.flushall()  # both recover
        load.let_pass(chance.randrange(jobs // 4), most=jobs // 2)
        schedulers[0].kill()
        fleet.scheduler()

    drill.says(f"2 workers, 2 schedulers, one killed: {load.count()}")
