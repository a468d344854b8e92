"""PostgreSQL goes away and comes back while jobs run: they are postponed, and each is done once."""

import pytest

from tests.chaos import job_types
from tests.outages import Outage
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def outage():
    outage = Outage()
    yield outage
    outage.end()


def test_jobs_survive_two_outages_of_postgresql(fleet, load, outage):
    load.enqueue(job_types.WRITE, 150, seconds=0.02)
    load.enqueue(job_types.SEND, 50, seconds=0.02)
    running = [fleet.worker(), fleet.scheduler(), fleet.scheduler()]

    for number, milestone in enumerate((20, 80), start=1):
        load.wait_for(milestone)
        outage.begin()
        for one in running:
            eventually(lambda: has_noticed(one, times=number), within=60)  # noqa: B023
        outage.end()

    assert load.count() == {"succeeded": 200}
    assert [one.process.poll() for one in running] == [None, None, None]


def has_noticed(one, *, times) -> bool:
    noticed = ("job_postponed", "worker_heartbeat_failed", "scheduler_tick_failed")
    return sum(one.log.read_text().count(word) for word in noticed) >= times
