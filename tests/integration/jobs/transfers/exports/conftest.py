"""An organization with a timeline, a folder for objects, and a real worker of the group."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dramatiq
import pytest
from django.db import connections, transaction
from pytest_django import Settings

import jobs.actors  # noqa: F401 - declares the actors
from audit.models import AuditEvent
from jobs.families.transfers.exports import request
from jobs.families.transfers.models import Export
from jobs.families.transfers.store import Store, store
from jobs.ledger import relay
from jobs.ledger.models import Job
from jobs.ledger.publish import queues
from tenancy import changes
from tenancy.acting import Actor, acting
from tenancy.models import Mission, Organization, TimelineEntry
from tenancy.scope import scope
from tests.factories import tenancy as make

PATIENCE_SECONDS = 60
STARTS = datetime(2026, 3, 1, 9, tzinfo=UTC)


@dataclass
class House:
    """One organization, its admin who acts, a mission, and what it exports."""

    organization: Organization
    actor: Actor
    mission: Mission

    def act[Result](self, do: Callable[[], Result]) -> Result:
        """As the admin, in one transaction of the organization."""
        with scope(self.organization), acting(self.actor, source="web"), transaction.atomic():
            return do()

    def entries(self, *entries: dict[str, Any]) -> list[TimelineEntry]:
        """Entries of the mission; what is not said is as in every other."""
        given = {"title": "Briefing", "starts_at": STARTS}
        new = [
            TimelineEntry(organization=self.organization, mission=self.mission, **(given | entry))
            for entry in entries
        ]
        return self.act(lambda: changes.create_many(new))

    def ask(self, format_name: str = "csv", kind: Any = "timeline", **more: Any) -> Export:
        return self.act(
            lambda: request.ask(self.organization.pk, kind=kind, format_name=format_name, **more)
        )

    def now(self, export: Export) -> Export:
        """As it is by now."""
        return self.act(lambda: Export.objects.get(pk=export.pk))

    def job(self, export: Export) -> Job:
        return self.act(lambda: Job.objects.get(pk=export.job_id))

    def told(self, export: Export) -> list[str]:
        """The actions in the audit log that are about it, oldest first."""
        events = AuditEvent.objects.filter(target_type="export", target_id=str(export.pk))
        return self.act(lambda: list(events.order_by("pk").values_list("action", flat=True)))

    def content(self, export: Export) -> bytes:
        return b"".join(store().open(self.now(export).object_key))


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.OBJECT_STORE = {"folder": tmp_path / "objects"}
    return tmp_path / "objects"


@pytest.fixture
def house(transactional_db: None, redis_url: str, folder: Path, settings: Settings) -> House:
    settings.JOBS_RETRY_SCALE = 0.0
    relay.recover()
    queues().flush("backfill")  # what other tests left behind
    organization = make.organization("Aurora")
    admin = make.member(organization, role="admin")
    return House(
        organization=organization,
        actor=Actor.user(admin.pk),
        mission=make.mission(make.project(organization), reference="M-1"),
    )


@pytest.fixture
def start_worker() -> Iterator[Callable[[], dramatiq.Worker]]:
    started: list[dramatiq.Worker] = []

    def start() -> dramatiq.Worker:
        worker = dramatiq.Worker(
            dramatiq.get_broker(), queues={"backfill"}, worker_threads=2, worker_timeout=50
        )
        worker.start()
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.stop()
    connections.close_all()


@pytest.fixture
def work(house: House, start_worker: Callable[[], dramatiq.Worker]) -> Callable[[], None]:
    """Run a worker until nothing is left to do."""

    def until_idle() -> None:
        worker = start_worker()
        dramatiq.get_broker().join("backfill", timeout=PATIENCE_SECONDS * 1000)
        worker.stop()

    return until_idle


@pytest.fixture
def exported(house: House, work: Callable[[], None]) -> Callable[..., bytes]:
    """What is in the file of an export, asked for and written now."""

    def content(format_name: str = "csv", **more: Any) -> bytes:
        export = house.ask(format_name, **more)
        work()
        assert house.now(export).state == "completed", house.job(export).error_message
        return house.content(export)

    return content


@pytest.fixture
def in_bucket(settings: Settings, bucket: Any, s3_endpoint: str, folder: Path) -> Store:
    """A bucket in place of the folder."""
    settings.OBJECT_STORE = {
        "bucket": "tests",
        "prefix": bucket.objects.prefix,
        "endpoint": s3_endpoint,
        "region": "us-east-1",
    }
    return store()
