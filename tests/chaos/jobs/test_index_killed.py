"""Random changes, jobs delivered late, doubled and out of order, workers killed: no wrong document.

Worker processes index what the test changes, and are killed meanwhile. Beside them the test itself
is the worker that was stopped between reading and writing: it keeps what it has read, and writes it
later, twice, in any order. Half way a reindex begins.
"""

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import psutil
import pytest
from pytest_django import Settings

from jobs.families.search import compare, generations, reindex
from jobs.families.search.backends import Generation
from jobs.families.search.backends.choose import backend
from jobs.families.search.documents import Document, read
from jobs.families.search.models import SearchGeneration
from jobs.ledger import relay
from jobs.ledger.models import Job
from jobs.ledger.publish import queues
from jobs.ledger.states import FINAL
from tenancy import changes
from tenancy.models import Mission, Organization, Project, TimelineEntry
from tenancy.scope import scope
from tests import factories
from tests.factories.jobs import at
from tests.factories.search import documents, entries, generation
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

type Start = Callable[..., psutil.Popen]
type Late = tuple[list[int], list[Document]]

ENVIRONMENT = {
    "JOBS_LEASE_SECONDS": "2",
    "JOBS_HEARTBEAT_SECONDS": "1",
    "JOBS_RETRY_SCALE": "0.1",
    "SEARCH_SLICE_SECONDS": "1",
}
WORK = ("rundramatiq", "--skip-logging", "--processes=1", "--threads=4")


@pytest.fixture
def start(transactional_db: None, redis_url: str, settings: Settings) -> Iterator[Start]:
    """`manage.py` in a process of its own; whatever is left of them is killed."""
    relay.recover()
    for group in ("indexing", "backfill"):
        queues().flush(group)
    started: list[psutil.Popen] = []

    def start(*command: str) -> psutil.Popen:
        process = psutil.Popen(
            [sys.executable, "manage.py", *command],
            env=os.environ | ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.is_running():
            kill(process)


def kill(process: psutil.Popen) -> None:
    """As the kernel does when memory is short, with all that it started."""
    for one in [*process.children(recursive=True), process]:
        one.kill()
    process.wait(30)


class Changes:
    """What people do, at random."""

    def __init__(self, of: Organization, chance: random.Random) -> None:
        self.of, self.chance = of, chance
        self.late: list[Late] = []

    def one(self) -> None:
        """One of them, in a transaction of its own; some are undone."""
        ways: list[tuple[Callable[[], Any], int]] = [
            (self.change, 8),
            (self.create, 3),
            (self.delete, 2),
            (self.enter, 4),
            (self.move, 2),
            (self.rename, 1),
            (self.read, 6),
            (self.write_late, 6),
        ]
        [way] = self.chance.choices([way for way, _ in ways], [often for _, often in ways])
        way()

    def create(self) -> None:
        with at(self.of):
            fields = {"reference": uuid4().hex, "title": self.words()}
            project = self.any_of(Project)
            changes.create(Mission(organization=self.of, project=project, **fields))

    def change(self) -> None:
        with at(self.of):
            if mission := self.any_of(Mission):
                changes.update(mission, title=self.words())

    def delete(self) -> None:
        with at(self.of):
            if mission := self.any_of(Mission):
                changes.delete(mission)

    def enter(self) -> None:
        with at(self.of):
            if mission := self.any_of(Mission):
                entry = {"title": self.words(), "starts_at": mission.created_at}
                changes.create(TimelineEntry(organization=self.of, mission=mission, **entry))

    def move(self) -> None:
        with at(self.of):
            if mission := self.any_of(Mission):
                changes.update(mission, project_id=self.any_of(Project).pk)

    def rename(self) -> None:
        with at(self.of):
            changes.update(self.any_of(Project), name=self.words())

    def read(self) -> None:
        """What a worker reads that is stopped then."""
        keys = list(entries(self.of))
        some = self.chance.sample(keys, min(len(keys), 5))
        with at(self.of):
            found = read(self.of.pk, some)
        self.late.append((list(found.generations), list(found.documents)))

    def write_late(self) -> None:
        """And writes when it goes on: any of them, twice."""
        if not self.late:
            return
        numbers, late = self.late.pop(self.chance.randrange(len(self.late)))
        self.chance.shuffle(late)
        for number in numbers * 2:
            with scope(self.of):
                where = Generation(organization_id=self.of.pk, number=number)
                backend().put(where, late)

    def any_of(self, model: Any) -> Any:
        found = list(model.objects.filter(organization=self.of).values_list("pk", flat=True))
        return model.objects.get(pk=self.chance.choice(sorted(found))) if found else None

    def words(self) -> str:
        return f"{self.chance.choice(['Pump', 'Valve', 'Crane'])} {self.chance.randrange(1_000)}"


@pytest.mark.drill("13", "search: late, doubled, reordered, killed")
def test_no_document_is_wrong_whatever_happened_to_the_jobs(
    start: Start, chance: random.Random, is_long: bool, drill: Any
) -> None:
    operations, kills = (10_000, 20) if is_long else (240, 2)
    of = factories.organization()
    for _ in range(3):
        factories.project(of)
    people = Changes(of, chance)
    start("scheduler")
    workers = [start(*WORK, "--queues", "indexing", "backfill") for _ in range(2)]

    for number in range(operations):
        people.one()
        if number and number % (operations // kills) == 0:
            kill(workers.pop(0))
            workers.append(start(*WORK, "--queues", "indexing", "backfill"))
        if number == operations // 2:
            with at(of):
                reindex.start(of.pk, "a drill")
    eventually(lambda: not unfinished(of), within=600)
    while people.late:
        people.write_late()

    live = generation(of)
    assert live
    with scope(of):
        for one in written(of):
            found = compare.differences(one, settled_after=0)
            assert found.found == [], one
    assert_as_read(of)
    tombstones = sum(entry.deleted for entry in entries(of).values())
    drill.says(f"{operations} operations, {kills} kills, {len(documents(of))} documents,")
    drill.says(f"{tombstones} of them tombstones, 0 differences")


def unfinished(of: Organization) -> int:
    with at(of):
        mine = Job.objects.filter(organization_id=of.pk, job_type__startswith="search.")
        return mine.exclude(state__in=FINAL).count()


def written(of: Organization) -> list[Generation]:
    with at(of):
        rows = SearchGeneration.objects.filter(organization=of, state__in=["live", "retired"])
        return [generations.named(row) for row in rows]


def assert_as_read(of: Organization) -> None:
    """What the index has of each is what is read of it now: no version stands for an old text."""
    stored = documents(of)
    with at(of):
        found = read(of.pk, stored)
    assert {one.key: one.digest for one in found.documents} == {
        key: one.digest for key, one in stored.items()
    }
