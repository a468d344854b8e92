"""A real worker in threads of this process, on the queues of this process."""

from collections.abc import Callable, Iterator

import dramatiq
import pytest
from django.db import connections
from pytest_django import Settings

from jobs.job_types import GROUPS
from jobs.ledger import relay
from jobs.ledger.publish import queues

type StartWorker = Callable[[], dramatiq.Worker]


@pytest.fixture
def open_line(transactional_db: None, redis_url: str, settings: Settings, booted: None) -> None:
    """Queues without the messages of other tests; retries come at once."""
    settings.JOBS_RETRY_SCALE = 0.0
    relay.recover()
    for group in GROUPS:
        queues().flush(group)


@pytest.fixture
def start_worker(open_line: None) -> Iterator[StartWorker]:
    """Starts a worker of the groups that the family's jobs run in."""
    started: list[dramatiq.Worker] = []

    def start() -> dramatiq.Worker:
        worker = dramatiq.Worker(
            dramatiq.get_broker(),
            queues={"indexing", "backfill"},
            worker_threads=4,
            worker_timeout=50,
        )
        worker.start()
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.stop()
    connections.close_all()
