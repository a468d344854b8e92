"""Processes and jobs of one test, and the count at its end."""

import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.db import connections
from redis import Redis

from jobs.job_types import GROUPS, JobType
from jobs.ledger import NewJob, enqueue_many, relay
from jobs.ledger.models import Attempt, Job
from jobs.ledger.publish import queues
from jobs.ledger.states import FINAL
from jobs.ledger.transitions import JobRef
from tenancy.models import Mission, TimelineEntry
from tests.chaos.fleet import Fleet
from tests.chaos.job_types import Work
from tests.factories import mission
from tests.factories.jobs import at
from tests.waiting import eventually


@dataclass(kw_only=True)
class Load:
    """Jobs of some organizations, and what became of them, counted where the ledger is not."""

    folder: Path
    missions: list[Mission] = field(default_factory=list)
    refs: list[JobRef] = field(default_factory=list)

    @property
    def sent(self) -> Path:
        """Where the effects outside go."""
        return self.folder / "sent"

    def enqueue(self, job_type: JobType[Work], count: int = 1, **work: object) -> list[JobRef]:
        """So many jobs, spread over the organizations."""
        shares = [count // len(self.missions)] * len(self.missions)
        shares[0] += count - sum(shares)
        refs = [
            ref
            for of, share in zip(self.missions, shares, strict=True)
            for ref in self._enqueue(of, job_type, share, work)
        ]
        self.refs += refs
        return refs

    def _enqueue(self, of: Mission, job_type, share, work) -> list[JobRef]:
        payload = Work(**({"mission_id": of.pk, "path": str(self.sent)} | work))
        first = len(self.refs)
        new = [
            NewJob(
                payload=payload,
                organization_id=of.organization_id,
                entity=("work", f"{first + number}"),
            )
            for number in range(share)
        ]
        with at(of.organization_id):
            enqueued = enqueue_many(job_type, new)
        return [JobRef(organization_id=of.organization_id, job_id=one.job_id) for one in enqueued]

    def rows(self) -> list[Job]:
        found: list[Job] = []
        for of in self.missions:
            with at(of.organization_id):
                found += Job.objects.filter(pk__in=[ref.job_id for ref in self.refs])
        return found

    def states(self) -> Counter[str]:
        return Counter(job.state for job in self.rows())

    def outcomes(self) -> list[str]:
        """Of all attempts, the first first."""
        found: list[str] = []
        for of in self.missions:
            with at(of.organization_id):
                mine = Attempt.objects.filter(job__in=[ref.job_id for ref in self.refs])
                found += mine.order_by("fence").values_list("outcome", flat=True)
        return found

    def wait_for(self, count: int) -> None:
        """Return once so many jobs have come to their end."""
        eventually(lambda: self.ended() >= count, within=60)

    def ended(self) -> int:
        """How many have come to their end."""
        ended = 0
        for of in self.missions:
            with at(of.organization_id):
                ended += Job.objects.filter(queue_group="audit", state__in=FINAL).count()
        return ended

    def effects(self) -> Counter[str]:
        """Rows written, by the job that wrote them."""
        found: Counter[str] = Counter()
        for of in self.missions:
            with at(of.organization_id):
                found.update(
                    TimelineEntry.objects.filter(mission=of).values_list("title", flat=True)
                )
        return found

    def sendings(self) -> dict[str, set[str]]:
        """The ids under which each job's effect went out."""
        ids: dict[str, set[str]] = {}
        for line in self.sent.read_text().splitlines() if self.sent.exists() else ():
            job, effect_id = line.split()
            ids.setdefault(job, set()).add(effect_id)
        return ids

    def count(self) -> Counter[str]:
        """Wait for the end of all, and hold what every drill ends with. Returns the states."""
        self.wait_for(len(self.refs))
        rows = self.rows()
        assert len(rows) == len(self.refs)
        succeeded = {str(job.pk): job.job_type for job in rows if job.state == "succeeded"}
        effects, sendings = self.effects(), self.sendings()
        writes = {one for one, job_type in succeeded.items() if job_type in WRITERS}
        sends = {one for one, job_type in succeeded.items() if job_type == "chaos.send"}
        assert set(effects) == writes, "an effect without its job, or a job without its effect"
        assert {job: many for job, many in effects.items() if many != 1} == {}
        assert sends <= set(sendings)
        assert {job: ids for job, ids in sendings.items() if len(ids) != 1} == {}
        return self.states()


WRITERS = ("chaos.write", "chaos.wait", "chaos.die_before_settling")


@pytest.fixture
def fleet(tmp_path: Path, transactional_db: None, redis_url: str) -> Iterator[Fleet]:
    relay.recover()
    for group in GROUPS:  # what other tests left behind
        queues().flush(group)
    fleet = Fleet(tmp_path)
    yield fleet
    fleet.end()
    print(fleet.logs())  # shown where the test failed
    relay.recover()
    connections.close_all()


@pytest.fixture
def load(fleet: Fleet) -> Load:
    """Nothing yet, for three organizations."""
    return Load(folder=fleet.folder, missions=[mission() for _ in range(3)])


@pytest.fixture
def chance() -> random.Random:
    """The same at each run; `SEED=…` tries another."""
    return random.Random(os.environ.get("SEED", "1"))


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as client:
        yield client
