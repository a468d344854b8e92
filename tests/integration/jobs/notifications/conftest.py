"""An organization with somebody to tell, real receivers, and a real worker of the group."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import dramatiq
import pytest
from django.db import connection, transaction
from pytest_django import Settings

import jobs.actors
from jobs.families.notifications import endpoints
from jobs.families.notifications.models import Delivery, DeliveryAttempt, DeliveryState, Endpoint
from jobs.ledger import relay
from jobs.ledger.models import DeadLetter, Job
from jobsite.demo.receivers import Receivers
from tenancy import changes
from tenancy.acting import Actor, acting
from tenancy.models import Assignment, Collaborator, Mission, Organization
from tenancy.scope import scope
from tests.factories import tenancy as make

assert jobs.actors  # declares the actors

PATIENCE_SECONDS = 20


def eventually[Result](look: Callable[[], Result]) -> Result:
    """What `look` returns as soon as it is true."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not (seen := look()):
        assert time.monotonic() < until, f"still {seen!r}"
        time.sleep(0.02)
    return seen


@dataclass
class House:
    """One organization: an editor who acts, a mission, somebody on the roster."""

    organization: Organization
    actor: Actor
    mission: Mission
    person: Collaborator

    def act[Result](self, do: Callable[[], Result]) -> Result:
        """As the editor, in one transaction of the organization."""
        with scope(self.organization), acting(self.actor, source="web"), transaction.atomic():
            return do()

    def assign(self) -> None:
        """The event that the person hears of: they join the mission."""
        self.act(
            lambda: changes.create(
                Assignment(
                    organization=self.organization, mission=self.mission, collaborator=self.person
                )
            )
        )

    def endpoint(self, url: str, *event_types: str) -> tuple[Endpoint, str]:
        """An endpoint that listens to new assignments, and its secret."""
        return self.act(
            lambda: endpoints.create(
                self.organization.pk,
                name="Ours",
                url=url,
                event_types=event_types or ["assignment.created"],
            )
        )

    def deliveries(self, event_type: str = "assignment.created") -> list[Delivery]:
        return self.act(
            lambda: list(
                Delivery.objects.filter(event__event_type=event_type)
                .select_related("event", "collaborator", "endpoint")
                .order_by("channel", "pk")
            )
        )

    def settled(self, count: int = 1) -> list[Delivery]:
        """The deliveries of the assignment, once so many exist and none is pending."""

        def look() -> list[Delivery]:
            found = self.deliveries()
            over = all(one.state != DeliveryState.PENDING for one in found)
            return found if over and len(found) >= count else []

        return eventually(look)

    def attempts(self, delivery: Delivery) -> list[DeliveryAttempt]:
        return self.act(lambda: list(delivery.attempts.order_by("fence")))

    def job(self, delivery: Delivery) -> Job:
        return self.act(lambda: Job.objects.get(pk=delivery.job_id))

    def dead_letters(self) -> list[DeadLetter]:
        return self.act(lambda: list(DeadLetter.objects.all()))


@pytest.fixture
def house(transactional_db: None) -> House:
    organization = make.organization("Aurora")
    editor = make.member(organization, role="editor")
    return House(
        organization=organization,
        actor=Actor.user(editor.pk),
        mission=make.mission(make.project(organization)),
        person=make.collaborator(organization),
    )


@pytest.fixture
def receivers(settings: Settings) -> Iterator[Receivers]:
    """Real mail and webhooks on loopback, allowed by setting; retries come at once."""
    with Receivers() as running:
        settings.MAILERS = {"default": smtp(running.smtp_port)}
        settings.WEBHOOK_ALLOW_HTTP = True
        settings.WEBHOOK_ALLOWED_PORTS = []
        settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
        settings.JOBS_RETRY_SCALE = 0.0
        yield running


def smtp(port: int) -> dict[str, Any]:
    backend = "django.core.mail.backends.smtp.EmailBackend"
    return {"BACKEND": backend, "OPTIONS": {"host": "127.0.0.1", "port": port, "timeout": 5}}


@pytest.fixture
def worker(house: House, receivers: Receivers) -> Iterator[dramatiq.Worker]:
    """A worker of the group, in threads of this process, that has told what happened before."""
    relay.recover()
    broker = dramatiq.get_broker()
    running = dramatiq.Worker(broker, queues={"notifications"}, worker_threads=2, worker_timeout=50)
    running.start()
    broker.join("notifications", timeout=PATIENCE_SECONDS * 1000)
    yield running
    running.stop()
    connection.close()
