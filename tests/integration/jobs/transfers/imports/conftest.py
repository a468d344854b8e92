"""Imports that a real worker, in threads of this process, moves on."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dramatiq
import pytest
from django.db import connections
from pytest_django import Settings

from jobs.families.transfers.imports import decide as doors
from jobs.families.transfers.models import Import
from jobs.ledger import relay
from jobs.ledger.publish import queues
from tests.factories.imports import decide, now, uploaded
from tests.waiting import eventually

UNEXPECTED = ("checked", "rejected", "stopped")

type Until = Callable[..., Import]


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    """Where the files of these tests lie."""
    settings.OBJECT_STORE = {"folder": tmp_path / "objects"}
    return tmp_path / "objects"


@pytest.fixture
def worker(
    transactional_db: None, redis_url: str, booted: None, settings: Settings
) -> Iterator[dramatiq.Worker]:
    """Serves the bulk queues. Retries come at once."""
    settings.JOBS_RETRY_SCALE = 0.0
    relay.recover()
    queues().flush("backfill")
    worker = dramatiq.Worker(
        dramatiq.get_broker(), queues={"backfill"}, worker_threads=2, worker_timeout=50
    )
    worker.start()
    yield worker
    worker.stop()
    connections.close_all()


@pytest.fixture
def until(worker: dramatiq.Worker) -> Until:
    """The import as soon as it is in one of these states."""

    def until(of: Import, *states: str) -> Import:
        def look() -> Import | None:
            seen = now(of)
            return seen if seen.state in states else None

        return eventually(look, within=30)

    return until


@pytest.fixture
def validated(until: Until) -> Callable[..., Import]:
    """An import of this file, with its plan."""

    def validated(file: bytes, **more: Any) -> Import:
        of = until(uploaded(file, **more), "validated", *UNEXPECTED)
        assert of.state == "validated", (of.state, of.problem, of.survey)
        return of

    return validated


@pytest.fixture
def completed(until: Until, validated: Callable[..., Import]) -> Callable[..., Import]:
    """An import of this file, committed."""

    def completed(file: bytes, **more: Any) -> Import:
        of = until(decide(doors.approve, validated(file, **more)), "completed", "stopped")
        assert of.state == "completed", of.problem
        return of

    return completed
