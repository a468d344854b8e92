"""A real worker in threads of this process, on the queues of this process."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import dramatiq
import pytest
import structlog
from django.db import connections
from pytest_django import Settings

from jobs.execution.settling import Settler
from jobs.job_types import GROUPS, JobType
from jobs.ledger import relay
from jobs.ledger.publish import queues
from tests.factories.jobs import Note, declared

type Declare = Callable[..., JobType[Note]]
type StartWorker = Callable[..., dramatiq.Worker]


@pytest.fixture
def logged() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """The lines of the log since the test began, as a log collector reads them."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    [handler.formatter] = [
        one.formatter
        for one in logging.getLogger().handlers
        if isinstance(one.formatter, structlog.stdlib.ProcessorFormatter)
    ]
    logging.getLogger().addHandler(handler)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def declare(
    transactional_db: None, redis_url: str, settings: Settings, booted: None
) -> Iterator[Declare]:
    """Job types that exist as long as the test; `declare(perform, …)`. Retries come at once."""
    settings.JOBS_RETRY_SCALE = 0.0
    relay.recover()
    for group in GROUPS:  # what other tests left behind names job types that are gone
        queues().flush(group)
    with ExitStack() as types:

        def declare(perform: Callable[[Any], None], **declaration: Any) -> JobType[Note]:
            return types.enter_context(declared(perform, **declaration))

        yield declare


@pytest.fixture
def start_worker(declare: Declare) -> Iterator[StartWorker]:
    started: list[dramatiq.Worker] = []

    def start(*, threads: int = 2, group: str = "backfill") -> dramatiq.Worker:
        worker = dramatiq.Worker(
            dramatiq.get_broker(), queues={group}, worker_threads=threads, worker_timeout=50
        )
        worker.start()
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.stop()
    connections.close_all()


@pytest.fixture
def worker(start_worker: StartWorker) -> dramatiq.Worker:
    return start_worker()


@pytest.fixture
def settler(transactional_db: None) -> Iterator[Settler]:
    """With a thread that settles, as in a worker."""
    settler = Settler()
    settler.start()
    yield settler
    settler.stop()
