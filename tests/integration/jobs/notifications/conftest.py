"""An organization with somebody to tell, real receivers, and a real worker of the group."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import dramatiq
import pytest
from django.db import transaction
from pytest_django import Settings

import jobs.actors  # noqa: F401 - declares the actors
from jobs.families.notifications import endpoints
from jobs.families.notifications.fan_out import fan_out
from jobs.families.notifications.job_types import deliver_mail, deliver_webhook
from jobs.families.notifications.models import Delivery, DeliveryAttempt, Endpoint
from jobs.ledger import relay
from jobs.ledger.models import DeadLetter, Job
from jobs.ledger.publish import queues
from jobs.ledger.statements import run
from jobsite.demo.receivers import Receivers
from tenancy import changes
from tenancy.acting import Actor, acting
from tenancy.models import Assignment, Collaborator, DomainEvent, Mission, Organization
from tenancy.scope import scope
from tests.factories import tenancy as make

PATIENCE_SECONDS = 20


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

    def assign(self, person: Collaborator | None = None) -> Assignment:
        """The event that people hear of: somebody joins the mission."""
        return self.act(
            lambda: changes.create(
                Assignment(
                    organization=self.organization,
                    mission=self.mission,
                    collaborator=person or self.person,
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

    def only(self, channel: str) -> Delivery:
        """The one delivery of the assignment by this channel."""
        [delivery] = [one for one in self.deliveries() if one.channel == channel]
        return delivery

    def fan_out(self) -> list[Delivery]:
        """What the fan-out job of the assignment does, done here and now."""

        def do() -> list[Delivery]:
            event = DomainEvent.objects.filter(event_type="assignment.created").latest("pk")
            return fan_out(
                self.organization.pk, event.pk, mail=deliver_mail, webhook=deliver_webhook
            )

        return self.act(do)

    def attempts(self, delivery: Delivery) -> list[DeliveryAttempt]:
        return self.act(lambda: list(delivery.attempts.order_by("fence")))

    def job(self, delivery: Delivery) -> Job:
        assert delivery.job_id is not None
        key = delivery.job_id
        return self.act(lambda: Job.objects.get(pk=key))

    def dead_letters(self) -> list[DeadLetter]:
        return self.act(lambda: list(DeadLetter.objects.all()))


def opened(house: House, endpoint: Endpoint) -> None:
    """Its receiver has failed as often as its breaker allows."""
    key = {
        "organization_id": endpoint.organization_id,
        "job_type": endpoints.DELIVER,
        "destination": endpoints.destination(endpoint.pk),
    }
    hour = timedelta(hours=1)
    numbers = {"threshold": 1, "open_for": hour, "longest": hour, "job_id": uuid4()}
    house.act(lambda: run("breaker_failed", key | numbers))


@pytest.fixture
def house(transactional_db: None, redis_url: str) -> House:
    relay.recover()
    queues().flush("notifications")  # what other tests left behind would reach our receivers
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
def work(house: House, receivers: Receivers) -> Callable[[], None]:
    """Run a worker of the group, in threads of this process, until nothing is left to do."""

    def until_idle() -> None:
        broker = dramatiq.get_broker()
        running = dramatiq.Worker(
            broker, queues={"notifications"}, worker_threads=2, worker_timeout=50
        )
        running.start()
        try:
            broker.join("notifications", timeout=PATIENCE_SECONDS * 1000)
        finally:
            running.stop()

    until_idle()
    return until_idle
