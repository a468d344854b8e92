"""A worker process is killed or stopped while it holds messages."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator

import dramatiq
import pytest
from dramatiq import Worker

from tests.factories.broker import make_broker
from tests.waiting import eventually

# Takes messages, begins one, says so, and never ends it.
VICTIM = """
import sys, threading
import dramatiq
from jobs.broker.broker import GroupBroker

url, group = sys.argv[1:]
broker = GroupBroker(url=url, lease_seconds=1, heartbeat_seconds=0.2, middleware=[])

@dramatiq.actor(broker=broker, queue_name=group)
def work(number):
    print("started", flush=True)
    threading.Event().wait()

dramatiq.Worker(broker, worker_threads=1, worker_timeout=100).start()
threading.Event().wait()
"""


@pytest.fixture
def scene(redis_url: str) -> Iterator[tuple[dramatiq.Actor, list[int], subprocess.Popen]]:
    """Five messages of an organization; a victim runs the first and holds another."""
    group, ran = f"g{uuid.uuid4().hex}", []
    broker = make_broker(redis_url, lease_seconds=1, heartbeat_seconds=0.2)
    if broker.backend.epoch() is None:
        broker.backend.open_epoch()
    work = dramatiq.actor(ran.append, actor_name="work", broker=broker, queue_name=group)
    for number in range(5):
        work.send_with_options(args=(number,), organization_id=7)
    command = [sys.executable, "-c", VICTIM, redis_url, group]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as victim:
        assert victim.stdout.readline() == b"started\n"
        worker = Worker(broker, worker_threads=2, worker_timeout=100)
        worker.start()
        eventually(lambda: len(ran) == 3)
        yield work, ran, victim
        victim.kill()
    worker.stop()
    broker.close()


def test_what_a_killed_worker_held_runs_elsewhere(scene):
    work, ran, victim = scene

    victim.kill()

    work.broker.join(work.queue_name, timeout=20_000)
    assert sorted(ran) == [0, 1, 2, 3, 4]


def test_a_stopped_worker_that_wakes_up_too_late_disturbs_nobody(scene):
    work, ran, victim = scene

    victim.send_signal(signal.SIGSTOP)
    work.broker.join(work.queue_name, timeout=20_000)
    victim.send_signal(signal.SIGCONT)

    assert any(b"ended before its heartbeat" in line for line in victim.stderr)
    assert sorted(ran) == [0, 1, 2, 3, 4]
    assert work.broker.backend.totals(work.queue_name).leased == 0
