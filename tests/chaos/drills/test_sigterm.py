"""Drill 8: workers are told to stop under load, as a deploy does."""

import time

import pytest

from tests.chaos import job_types
from tests.waiting import eventually

# A lease so long that whatever waited for one could not come to its end in this drill.
LEASES = {"JOBS_LEASE_SECONDS": "3600", "JOBS_HEARTBEAT_SECONDS": "5"}
GRACE_SECONDS = 5


@pytest.mark.drill("8", "SIGTERM under load")
def test_workers_told_to_stop_return_everything(world, fleet, load, redis, chance, is_long, drill):
    jobs, deploys = (2_000, 5) if is_long else (200, 1)
    fleet.scheduler()
    [endless] = load.enqueue(job_types.WAIT, path="/nowhere")
    grace = {"WORKER_GRACE_SECONDS": str(GRACE_SECONDS)}
    worker, longest = fleet.worker(**LEASES, **grace), 0.0
    eventually(lambda: running(world, endless), within=120)

    with load.feeding(jobs):
        for _ in range(deploys):
            load.let_pass(chance.randrange(jobs // deploys // 2), most=jobs * 3 // 4)
            began = time.monotonic()
            worker.terminate()
            longest = max(longest, time.monotonic() - began)
            assert worker.process.returncode == 0, worker.log.read_text()[-2000:]
            assert world.ask("SELECT id FROM jobs_job WHERE state = 'running'") == []
            assert [*redis.scan_iter("group:*:leases:*")] == [], "something waits for a lease"
            worker = fleet.worker(**LEASES, **grace)
            worker.wait_until_up()

    count = load.count()
    assert count.lost == 0
    drill.says(f"{deploys} times, gone after {longest:.1f} s of {GRACE_SECONDS} s: {count}")


def running(world, ref) -> bool:
    return bool(
        world.ask("SELECT id FROM jobs_job WHERE state = 'running' AND id = %s", ref.job_id)
    )
