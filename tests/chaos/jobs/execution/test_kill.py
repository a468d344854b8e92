"""Workers that are killed at any moment lose no job and repeat no effect."""

import pytest

from tests.chaos import job_types
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


def test_jobs_survive_the_death_of_their_workers(fleet, load, chance):
    load.enqueue(job_types.WRITE, 150, seconds=0.01)
    load.enqueue(job_types.SEND, 150, seconds=0.01)
    workers = [fleet.worker(), fleet.worker()]

    load.wait_for(20 + chance.randrange(50))
    workers[0].kill()
    fleet.worker()
    load.wait_for(120 + chance.randrange(50))
    workers[1].kill()

    assert load.count() == {"succeeded": 300}
    assert "lost" in load.outcomes()


def test_a_death_between_effect_and_settle_repeats_no_effect(fleet, load):
    load.enqueue(job_types.DIE_BEFORE_SETTLING, 1)
    worker = fleet.worker()

    eventually(lambda: worker.process.poll() is not None, within=60)
    assert load.effects() == {}
    fleet.worker()

    assert load.count() == {"succeeded": 1}
    assert load.outcomes() == ["lost", "succeeded"]


def test_a_job_that_kills_its_worker_is_buried_and_its_neighbours_succeed(fleet, load):
    [killer] = load.enqueue(job_types.KILL_WORKER, 1, seconds=0.2)
    load.enqueue(job_types.WRITE, 40, seconds=0.05)

    workers = [fleet.worker() for _ in range(4)]

    assert load.count() == {"succeeded": 40, "dead": 1}
    eventually(lambda: sum(one.process.poll() is None for one in workers) == 1, within=20)
    by_id = {job.pk: job for job in load.rows()}
    assert (by_id[killer.job_id].reason, by_id[killer.job_id].losses) == ("worker_lost", 3)
    assert {job.losses for job in load.rows() if job.pk != killer.job_id} == {0}
