"""Redis loses everything while jobs run, and no job is lost."""

import pytest

from tests.chaos import job_types

pytestmark = pytest.mark.django_db(transaction=True)


def test_jobs_survive_a_redis_that_is_emptied(fleet, load, redis):
    fleet.scheduler()
    fleet.worker()
    load.enqueue(job_types.WRITE, 150, seconds=0.02)
    load.enqueue(job_types.SEND, 50, seconds=0.02)

    for milestone in (30, 90):
        load.wait_for(milestone)
        redis.flushall()
        load.enqueue(job_types.WRITE, 50, seconds=0.01)

    assert load.count() == {"succeeded": 300}
