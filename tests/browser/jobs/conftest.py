"""A worker of imports, in threads of this process, with a folder of its own for files."""

from collections.abc import Iterator
from pathlib import Path

import dramatiq
import pytest
from django.db import connections
from pytest_django import Settings

from jobs.ledger import relay
from jobs.ledger.publish import queues


@pytest.fixture
def worker(
    transactional_db: None, redis_url: str, settings: Settings, tmp_path: Path
) -> Iterator[dramatiq.Worker]:
    settings.OBJECT_STORE = {"folder": tmp_path / "objects"}
    relay.recover()
    queues().flush("backfill")
    broker = dramatiq.get_broker()
    broker.emit_after("process_boot")
    running = dramatiq.Worker(broker, queues={"backfill"}, worker_threads=2, worker_timeout=50)
    running.start()
    yield running
    running.stop()
    connections.close_all()
