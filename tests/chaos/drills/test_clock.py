"""Drill 10: the clocks of two workers are wrong by five minutes, each in its direction."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.chaos import job_types
from tests.servers import ROOT
from tests.waiting import eventually

OFF_SECONDS = 301
LEASES = {"JOBS_LEASE_SECONDS": "15", "JOBS_HEARTBEAT_SECONDS": "2"}


@pytest.mark.drill("10", "clocks five minutes off")
def test_no_clock_of_a_worker_decides_anything(world, fleet, load, is_long, drill):
    jobs = 2_000 if is_long else 150
    fleet.scheduler()
    workers = {off: wrong(fleet, off) for off in (OFF_SECONDS, -OFF_SECONDS)}
    for worker in workers.values():
        worker.wait_until_up()
    due = datetime.now(UTC) + timedelta(seconds=4)
    later = load.enqueue(job_types.WRITE, jobs // 5, run_at=due)
    load.enqueue(job_types.NOTE, jobs // 5, failures=3)

    with load.feeding(jobs):
        pass

    count = load.count()
    assert count.lost == 0, "a claim of a worker that lives was taken for lost"
    early = "SELECT job FROM drill.effect WHERE job = ANY (%s) AND at < %s"
    assert world.ask(early, [str(ref.job_id) for ref in later], due) == []
    assert (
        world.ask(
            "SELECT s.job FROM drill.start s JOIN jobs_attempt a"
            " ON a.job_id = s.job::uuid AND a.fence = s.fence - 1 WHERE s.at < a.retry_at"
        )
        == []
    ), "a retry came before its time"
    for off, worker in workers.items():
        assert abs(said_at(worker) - timedelta(seconds=off) - now()) < timedelta(seconds=120)
        eventually(lambda: worker.has_logged("job_succeeded", times=5))  # noqa: B023
    drill.says(f"one {OFF_SECONDS} s ahead, one behind: {count}")


def wrong(fleet, off):
    folder = str(ROOT / "tests" / "chaos" / "skew")
    return fleet.worker(**LEASES, PYTHONPATH=folder, DRILL_CLOCK_SECONDS=str(off))


def said_at(worker) -> datetime:
    """The time that its last line bears."""
    lines = [line for line in worker.log.read_text().splitlines() if line.startswith("{")]
    return datetime.fromisoformat(json.loads(lines[-1])["timestamp"])


def now() -> datetime:
    return datetime.now(UTC)
