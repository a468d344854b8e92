"""Redis goes away and comes back under a running worker."""

import threading

import dramatiq
import pytest
from dramatiq.errors import BrokerConnectionError

from jobs.broker.errors import NoEpoch
from tests.factories.broker import make_broker
from tests.waiting import eventually

MINUTE = 60_000


@pytest.fixture
def own(live_valkey):
    broker = make_broker(live_valkey.url)
    broker.backend.open_epoch()
    yield broker
    broker.close()


@pytest.fixture
def ran(own):
    ran = threading.Semaphore(0)
    own.work = dramatiq.actor(ran.release, actor_name="work", broker=own, queue_name="g")
    return ran


def test_enqueue_raises_a_connection_error_while_redis_is_away(live_valkey, own, ran):
    live_valkey.kill()

    with pytest.raises(BrokerConnectionError):
        own.work.send()

    live_valkey.start()


def test_a_worker_waits_out_a_restart_of_redis(live_valkey, own, ran, start_worker, caplog):
    worker = start_worker(own)
    own.work.send()
    assert ran.acquire(timeout=10)
    live_valkey.kill()
    eventually(lambda: "Waiting for Redis" in caplog.text)

    live_valkey.start()
    own.backend.open_epoch()
    own.work.send_with_options(organization_id=7)

    assert ran.acquire(timeout=10)
    assert all(consumer.is_alive() for consumer in worker.consumers.values())
    own.join("g", timeout=MINUTE)


def test_a_worker_waits_until_a_flushed_redis_is_recovered(live_valkey, own, ran, start_worker):
    start_worker(own)
    _flush(live_valkey)
    with pytest.raises(NoEpoch):
        own.work.send()

    own.backend.open_epoch()
    own.work.send()

    assert ran.acquire(timeout=10)


def test_settlements_wait_until_redis_is_back(live_valkey, own, start_worker):
    started, go_on = threading.Event(), threading.Event()

    def block():
        started.set()
        go_on.wait(10)

    dramatiq.actor(block, broker=own, queue_name="g").send_with_options(organization_id=7)
    worker = start_worker(own)
    assert started.wait(10)
    live_valkey.kill()
    go_on.set()
    worker.join()

    live_valkey.start()
    own.backend.open_epoch()

    assert eventually(lambda: not own._leases["g"]._pending)


def test_what_runs_while_redis_is_flushed_ends_without_harm(live_valkey, own, ran, start_worker):
    started, go_on = threading.Event(), threading.Event()

    def block():
        started.set()
        go_on.wait(10)

    dramatiq.actor(block, broker=own, queue_name="g").send()
    start_worker(own)
    assert started.wait(10)
    _flush(live_valkey)
    own.backend.open_epoch()
    go_on.set()
    own.work.send()

    assert ran.acquire(timeout=10)
    own.join("g", timeout=MINUTE)


def _flush(live_valkey):
    import redis

    with redis.Redis.from_url(live_valkey.url) as client:
        client.flushall()
