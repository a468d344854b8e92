"""An export whose worker is killed, or whose store is full: in the end there is one whole file."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.db import connection, transaction
from pytest_django import Settings

from audit.models import AuditEvent
from jobs.families.transfers.models import Export
from jobs.families.transfers.store import manifest_key, store
from jobs.ledger import relay
from jobs.ledger.models import Attempt, Job
from jobs.ledger.publish import queues
from tenancy.models import Mission, Organization
from tests import factories
from tests.chaos.jobs import workers
from tests.chaos.report import Drill
from tests.factories.exports import export
from tests.factories.jobs import at
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 120
ENTRIES = """
    INSERT INTO tenancy_timelineentry
        (organization_id, mission_id, external_id, kind, title, starts_at, location, notes)
    SELECT %s, %s, 'E-' || n, 'task', 'Entry ' || n, now(), 'Hall', repeat('A note. ', 20)
    FROM generate_series(1, %s) AS n
"""


@pytest.fixture
def objects(settings: Settings, tmp_path: Path, transactional_db: None, redis_url: str) -> Path:
    settings.OBJECT_STORE = {"folder": tmp_path / "objects"}
    relay.recover()
    queues().flush("backfill")
    (tmp_path / "objects").mkdir()
    return tmp_path / "objects"


@pytest.fixture
def running() -> Iterator[list[psutil.Popen]]:
    started: list[psutil.Popen] = []
    yield started
    for worker in started:
        if worker.is_running():
            workers.kill(worker)


def filled(rows: int) -> Mission:
    mission = factories.mission()
    with at(mission.organization), connection.cursor() as cursor:
        cursor.execute(ENTRIES, [mission.organization_id, mission.pk, rows])
    return mission


def files(objects: Path) -> list[Path]:
    return [one for one in objects.rglob("*") if one.is_file()]


def ended(of: Organization, asked: Export) -> Export:
    def look() -> Export | None:
        with at(of):
            return Export.objects.filter(pk=asked.pk, state__in=("completed", "failed")).first()

    return eventually(look, within=PATIENCE)


def job_of(of: Organization, asked: Export) -> Any:
    with at(of):
        return Job.objects.get(organization=of, pk=asked.job_id)


def is_whole(of: Organization, asked: Export, objects: Path, rows: int) -> None:
    """Complete, by what lies in the folder, and nothing lies beside it."""
    assert (asked.state, asked.rows) == ("completed", rows), asked.error
    content = b"".join(store().open(asked.object_key))
    assert hashlib.sha256(content).hexdigest() == asked.sha256
    assert content.count(b"\n") == rows + 1
    keys = {asked.object_key, manifest_key(asked.object_key)}
    assert {str(one.relative_to(objects)) for one in files(objects)} == keys
    with at(of), transaction.atomic():
        told = AuditEvent.objects.filter(target_type="export", target_id=str(asked.pk))
        assert list(told.order_by("pk").values_list("action", flat=True)) == [
            "export.requested",
            "export.completed",
        ]


@pytest.mark.drill("1e", "kill -9 in the middle of an export")
def test_an_export_whose_worker_is_killed_begins_anew_and_leaves_no_rest(
    objects: Path, running: list[psutil.Popen], is_long: bool, drill: Drill
) -> None:
    rows = 1_000_000 if is_long else 100_000
    of = filled(rows).organization
    asked = export(of)

    running.append(workers.start(objects))
    eventually(lambda: any(one.stat().st_size for one in files(objects)), within=PATIENCE)
    workers.kill(running[-1])
    rest = files(objects)
    running.append(workers.start(objects))

    is_whole(of, ended(of, asked), objects, rows)
    assert rest
    with at(of):
        attempts = Attempt.objects.filter(organization=of, job_id=asked.job_id)
        first, second = attempts.order_by("number", "fence").values_list("outcome", flat=True)
    # `released` where it died before its first heartbeat: nobody knows then that it had begun.
    assert (first in ("lost", "released"), second) == (True, "succeeded")
    drill.says(f"killed over {len(rest)} file, then {rows} rows in one, and no other")


@pytest.mark.drill("9s", "no room in the object store")
def test_an_export_that_finds_no_room_waits_until_there_is_some(
    objects: Path, running: list[psutil.Popen], drill: Drill
) -> None:
    """No file may be larger than 1 MB for a while: as when a quota is used up, in any folder."""
    rows = 20_000
    of = filled(rows).organization
    worker = workers.start(objects, JOBS_RETRY_SCALE="0.05")
    running.append(worker)
    eventually(lambda: len(workers.family(worker)) > 1, within=PATIENCE)
    for one in workers.family(worker):
        one.rlimit(psutil.RLIMIT_FSIZE, (1_000_000, psutil.RLIM_INFINITY))

    asked = export(of)
    eventually(lambda: job_of(of, asked).state == "retrying", within=PATIENCE)
    waiting = job_of(of, asked)
    assert files(objects) == []
    for one in workers.family(worker):
        one.rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))

    is_whole(of, ended(of, asked), objects, rows)
    assert "no room" in waiting.error_message
    drill.says(f"refused, nothing left behind, then {rows} rows in one file")
