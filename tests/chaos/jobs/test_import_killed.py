"""A worker is killed again and again during one import: what comes of it is as if it never was."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from pytest_django import Settings

from jobs.families.transfers.imports import decide as doors
from jobs.families.transfers.models import Import
from jobs.ledger import relay
from jobs.ledger.publish import queues
from tests import factories
from tests.factories.imports import csv, decide, line, now, uploaded
from tests.integration.jobs.transfers.imports.looking import actions, chunks, entries
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

KILLS = 4
ROWS = 1_200
CHUNK = 100

StartWorker = Callable[[], psutil.Popen]


@pytest.fixture
def start_worker(
    transactional_db: None, redis_url: str, settings: Settings, tmp_path: Path
) -> Iterator[StartWorker]:
    """Real worker processes with a short lease; whatever is left of them is killed."""
    settings.OBJECT_STORE = {"folder": tmp_path / "objects"}
    relay.recover()
    queues().flush("backfill")
    started: list[psutil.Popen] = []
    command = ["manage.py", "rundramatiq", "--skip-logging", "--processes=1", "--threads=1"]
    environment = os.environ | {
        "OBJECT_STORE_URL": (tmp_path / "objects").as_uri(),
        "IMPORTS_CHUNK_ROWS": str(CHUNK),
        "JOBS_LEASE_SECONDS": "2",
        "JOBS_HEARTBEAT_SECONDS": "1",
        "JOBS_RETRY_SCALE": "0",
    }

    def start() -> psutil.Popen:
        worker = psutil.Popen(
            [sys.executable, *command, "--queues", "backfill"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        started.append(worker)
        return worker

    yield start
    for worker in started:
        if worker.is_running():
            kill(worker)


def kill(worker: psutil.Popen) -> None:
    """As the kernel does when memory is short, with all that it started."""
    for one in [*worker.children(recursive=True), worker]:
        one.kill()
    worker.wait(30)


def until(of: Import, *states: str) -> Import:
    def look() -> Import | None:
        seen = now(of)
        return seen if seen.state in states else None

    return eventually(look, within=120)


def test_68_every_row_is_there_once_however_often_the_worker_is_killed(
    start_worker: StartWorker,
) -> None:
    mission = factories.mission()
    rows = [line(f"E-{n:04}", mission.reference) for n in range(ROWS)]
    worker = start_worker()
    of = until(uploaded(csv(*rows), of=mission.organization), "validated", "rejected", "stopped")
    assert of.state == "validated", of.problem
    of = decide(doors.approve, of)

    for kills in range(1, KILLS + 1):
        eventually(lambda: now(of).checkpoint_chunk > 2 * kills, within=120)  # noqa: B023
        kill(worker)
        worker = start_worker()
    of = until(of, "completed", "stopped")

    assert of.state == "completed", of.problem
    assert {key: one.title for key, one in entries(of).items()} == {
        f"E-{n:04}": f"Title of E-{n:04}" for n in range(ROWS)
    }
    written = chunks(of)
    assert [one.number for one in written] == list(range(1, of.checkpoint_chunk + 1))
    assert [one.first_row for one in written[1:]] == [one.last_row + 1 for one in written[:-1]]
    assert sum(one.added for one in written) == of.done["added"] == ROWS
    assert actions(of).count("import.chunk_committed") == len(written)
