"""A worker is killed while a webhook is under way: it goes out again, under the same id."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator

import psutil
import pytest

from jobs.families.notifications.models import DeliveryState
from jobs.ledger import relay
from jobs.ledger.models import Attempt
from jobsite.demo.receivers import Receivers
from tests.integration.jobs.notifications.conftest import (  # noqa: F401 - fixtures
    House,
    house,
    receivers,
)
from tests.integration.jobs.notifications.servers import Receiver, receiver, status
from tests.waiting import eventually

StartWorker = Callable[[], psutil.Process]


@pytest.fixture
def dawdling() -> Iterator[Receiver]:
    """Never answers its first request, and every later one at once."""

    def behave(stream: socket.socket, _request: bytes) -> None:
        if len(running.requests) == 1:
            running.done.wait()
        stream.sendall(status(200))

    with receiver(behave) as running:
        yield running


@pytest.fixture
def start_worker(
    house: House,  # noqa: F811
    receivers: Receivers,  # noqa: F811
    dawdling: Receiver,
) -> Iterator[StartWorker]:
    """Real worker processes, with a short lease; whatever is left of them is killed."""
    relay.recover()
    started: list[psutil.Process] = []
    command = ["manage.py", "rundramatiq", "--skip-logging", "--processes=1", "--threads=2"]
    environment = os.environ | {
        "EMAIL_URL": f"smtp://127.0.0.1:{receivers.smtp_port}",
        "JOBS_LEASE_SECONDS": "2",
        "JOBS_HEARTBEAT_SECONDS": "1",
        "WEBHOOK_ALLOW_HTTP": "true",
        "WEBHOOK_ALLOWED_HOSTS": "127.0.0.1",
        "WEBHOOK_ALLOWED_PORTS": str(dawdling.port),
    }

    def start() -> psutil.Process:
        worker = psutil.Popen(
            [sys.executable, *command, "--queues", "notifications"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        started.append(worker)
        return worker

    yield start
    for worker in started:
        kill(worker)


def kill(worker: psutil.Process) -> None:
    """`kill -9` of the master and its worker: nothing is given back, nothing is said."""
    if worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE:
        for victim in [*worker.children(recursive=True), worker]:
            victim.kill()
    worker.wait()


def test_what_was_under_way_is_sent_again_under_the_same_id(
    house: House,  # noqa: F811
    dawdling: Receiver,
    start_worker: StartWorker,
) -> None:
    house.endpoint(dawdling.url())
    house.assign()
    first = start_worker()
    eventually(lambda: dawdling.requests, within=180)

    kill(first)
    start_worker()

    eventually(lambda: house.only("webhook").state == DeliveryState.SENT, within=180)
    webhook = house.only("webhook")
    ids = [one.split(b"webhook-id: ")[1].split(b"\r\n")[0] for one in dawdling.requests]
    assert ids == [str(webhook.pk).encode()] * 2
    assert [one.result for one in house.attempts(webhook)] == ["begun", "sent"]
    tried = house.act(lambda: list(Attempt.objects.filter(job_id=webhook.job_id)))
    assert [(one.error_class, one.outcome == "succeeded") for one in tried] == [
        ("WorkerLost", False),
        ("", True),
    ]
