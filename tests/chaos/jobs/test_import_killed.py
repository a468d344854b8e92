"""A worker is killed again and again during one import: what comes of it is as if it never was."""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from pytest_django import Settings

from jobs.families.transfers.imports import decide as doors
from jobs.families.transfers.models import Import
from jobs.ledger import relay
from jobs.ledger.publish import queues
from tenancy.models import Mission
from tests import factories
from tests.chaos.jobs import workers
from tests.chaos.jobs.workers import StartWorker, kill
from tests.chaos.report import Drill
from tests.factories.imports import csv, decide, line, now, uploaded
from tests.factories.jobs import at
from tests.integration.jobs.transfers.imports.looking import actions, chunks, sql
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 300


@pytest.fixture
def size(is_long: bool) -> dict[str, int]:
    """How many rows in chunks of how many, and how many kills."""
    if is_long:
        return {"rows": 200_000, "chunk": 5_000, "kills": 20}
    return {"rows": 1_200, "chunk": 100, "kills": 4}


def until(of: Import, *states: str) -> Import:
    def look() -> Import | None:
        seen = now(of)
        return seen if seen.state in states else None

    return eventually(look, within=PATIENCE)


def approved(mission: Mission, rows: int) -> Import:
    file = csv(*(line(f"E-{n:06}", mission.reference) for n in range(rows)))
    of = uploaded(file, of=mission.organization)
    plan = until(of, "validated", "rejected", "stopped")
    assert plan.state == "validated", plan.problem
    return decide(doors.approve, plan)


def killed_often(
    of: Import,
    worker: psutil.Popen,
    start: StartWorker,
    chance: random.Random,
    size: dict[str, int],
) -> None:
    """At moments that chance picks, each in another part of the commit."""
    share = size["rows"] // size["chunk"] // (size["kills"] + 1)
    for number in range(size["kills"]):
        reached = share * (number + 1)
        eventually(lambda: now(of).checkpoint_chunk >= reached, within=PATIENCE)  # noqa: B023
        threading.Event().wait(chance.uniform(0, 0.1))
        kill(worker)
        worker = start()


# What the table says, and not the import of itself.
WRITTEN = """
    SELECT array[count(*), count(DISTINCT external_id),
        ('x' || left(md5(string_agg(e::text, '|' ORDER BY e.external_id)), 15))::bit(60)::bigint]
    FROM (
        SELECT external_id, kind, title, starts_at, ends_at, location, notes
        FROM tenancy_timelineentry WHERE organization_id = {organization}
    ) AS e
"""


def outcome(of: Import) -> dict[str, Any]:
    """Everything that must not depend on how often its worker died."""
    written = chunks(of)
    assert [one.number for one in written] == list(range(1, len(written) + 1))
    assert [one.first_row for one in written[1:]] == [one.last_row + 1 for one in written[:-1]]
    told = Counter(actions(of))
    assert told.pop("import.chunk_committed") == len(written)
    journal = "SELECT count(*) FROM {} WHERE organization_id = {} AND import_id = '{}'"
    with at(of.organization_id):
        return {
            "entries": sql(of, WRITTEN.format(organization=of.organization_id)),
            "rows of chunks": sum(one.last_row - one.first_row + 1 for one in written),
            "added by chunks": sum(one.added for one in written),
            "ids that undo knows": len({entry for one in written for entry in one.added_ids}),
            "changes that undo knows": sql(
                of, journal.format("jobs_journalchange", of.organization_id, of.pk)
            ),
            "events": told,
            "told": of.done["added"],
        }


@pytest.fixture
def start_worker(
    transactional_db: None,
    redis_url: str,
    settings: Settings,
    tmp_path: Path,
    size: dict[str, int],
) -> Iterator[StartWorker]:
    """Whatever is left of them is killed in the end."""
    settings.OBJECT_STORE = {"folder": tmp_path / "objects"}
    relay.recover()
    queues().flush("backfill")
    started: list[psutil.Popen] = []

    def start() -> psutil.Popen:
        rows = str(size["chunk"])
        started.append(workers.start(tmp_path / "objects", IMPORTS_CHUNK_ROWS=rows))
        return started[-1]

    yield start
    for worker in started:
        if worker.is_running():
            kill(worker)


@pytest.mark.drill("1i", "kill -9 during one import")
def test_68_every_row_is_there_once_however_often_the_worker_is_killed(
    start_worker: StartWorker, size: dict[str, int], chance: random.Random, drill: Drill
) -> None:
    mission, other = factories.mission(), factories.mission()
    worker = start_worker()
    undisturbed = until(approved(other, size["rows"]), "completed", "stopped")

    killed = approved(mission, size["rows"])
    killed_often(killed, worker, start_worker, chance, size)
    killed = until(killed, "completed", "stopped")

    assert (undisturbed.state, killed.state) == ("completed", "completed"), killed.problem
    assert outcome(killed) == outcome(undisturbed)
    count = outcome(killed)["entries"][0]
    assert count == size["rows"]
    drill.says(
        f"{size['kills']} kills: {count} rows in {killed.checkpoint_chunk} chunks, each once"
    )
