"""Workers that are told to stop, or are stopped without being told."""

import pytest

from jobs.ledger.publish import queues
from tests.chaos import job_types
from tests.factories.jobs import row
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_worker_under_load_returns_everything_on_sigterm(fleet, load):
    load.enqueue(job_types.WRITE, 200, seconds=0.02)
    [endless] = load.enqueue(job_types.SPIN, 1)
    worker = fleet.worker()
    load.wait_for(20)
    eventually(lambda: row(endless).state == "running", within=60)

    worker.terminate()

    states = load.states()
    assert set(states) == {"succeeded", "queued"}
    assert queues().totals("audit").leased == 0
    assert queues().totals("audit").waiting == states["queued"]
    assert {(job.losses, job.attempt) for job in load.rows() if job.state == "queued"} == {(0, 0)}


def test_a_worker_that_sleeps_past_its_lease_settles_nothing_when_it_wakes(fleet, load):
    go_on = fleet.folder / "go on"
    [ref] = load.enqueue(job_types.WAIT, 1, path=str(go_on))
    sleeper = fleet.worker(threads=1)
    eventually(lambda: row(ref).state == "running", within=60)

    sleeper.stop()
    other = fleet.worker(threads=1)
    eventually(lambda: row(ref).state == "succeeded", within=60)
    go_on.touch()
    sleeper.wake()
    eventually(lambda: sleeper.has_logged("job_lease_lost"), within=60)

    assert load.count() == {"succeeded": 1}
    assert load.outcomes() == ["lost", "succeeded"]
    assert other.has_logged("job_succeeded")
