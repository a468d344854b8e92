"""An organization with an editor, a mission, somebody to tell and webhooks; workers that run."""

from collections.abc import Iterator
from dataclasses import dataclass

import dramatiq
import pytest
from django.db import transaction
from pytest_django import Settings

import jobs.actors  # noqa: F401 - declares the actors
from jobs.families.notifications import endpoints
from jobs.ledger import relay
from jobsite.demo.receivers import ReceivedHook, ReceivedMail, Receivers
from tenancy import changes
from tenancy.acting import Actor, acting
from tenancy.models import Collaborator, Mission, Organization, User
from tenancy.scope import scope
from tests.factories import tenancy as make
from tests.waiting import eventually

PATIENCE_SECONDS = 60  # the worker shares its turns with what earlier tests left waiting


@dataclass(frozen=True, kw_only=True)
class House:
    """One organization, as the world outside sees it."""

    organization: Organization
    editor: User
    mission: Mission
    person: Collaborator  # assigned to the mission
    receivers: Receivers

    def hook(self, name: str, *, answers: int = 200) -> str:
        """An endpoint that hears of changed missions, at a receiver that knows its secret."""
        unique = f"{name}-{self.organization.pk}"
        with scope(self.organization), transaction.atomic():
            _, secret = endpoints.create(
                self.organization.pk,
                name=name,
                url=self.receivers.url(unique),
                event_types=["mission.changed"],
            )
        self.receivers.learn(unique, secret)
        self.receivers.answer(unique, answers)
        return unique

    def change_mission(self, title: str) -> None:
        """As the editor."""
        actor = Actor.user(self.editor.pk)
        with acting(actor, source="web"), scope(self.organization), transaction.atomic():
            changes.update(Mission.objects.get(pk=self.mission.pk), title=title)

    def mail_about(self, title: str) -> ReceivedMail:
        """The mail in the catcher that says so, once it is there."""
        [mail] = eventually(
            lambda: [one for one in self.receivers.mails() if title in one.text],
            within=PATIENCE_SECONDS,
        )
        return mail

    def webhook_about(self, title: str, hook: str) -> ReceivedHook:
        """The webhook that the receiver took, once it has."""
        [taken] = eventually(
            lambda: [
                one
                for one in self.receivers.hooks(hook)
                if title in one.body and one.answered == 200
            ],
            within=PATIENCE_SECONDS,
        )
        return taken


@pytest.fixture
def receivers(settings: Settings) -> Iterator[Receivers]:
    """A real mail catcher and receiver of webhooks on loopback; retries come at once."""
    with Receivers() as running:
        backend = "django.core.mail.backends.smtp.EmailBackend"
        options = {"host": "127.0.0.1", "port": running.smtp_port, "timeout": 5}
        settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": options}}
        settings.WEBHOOK_ALLOW_HTTP = True
        settings.WEBHOOK_ALLOWED_PORTS = []
        settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
        settings.JOBS_RETRY_SCALE = 0.0
        yield running


@pytest.fixture
def house(transactional_db: None, redis_url: str, receivers: Receivers) -> House:
    relay.recover()
    organization = make.organization()
    mission = make.mission(make.project(organization))
    person = make.collaborator(organization)
    make.assignment(mission, person)
    return House(
        organization=organization,
        editor=make.member(organization, role="editor"),
        mission=mission,
        person=person,
        receivers=receivers,
    )


@pytest.fixture
def worker(house: House) -> Iterator[dramatiq.Worker]:
    """A worker of live work, in threads of this process, until the test is over."""
    broker = dramatiq.get_broker()
    live = {"notifications", "indexing"}
    running = dramatiq.Worker(broker, queues=live, worker_threads=2, worker_timeout=50)
    running.start()
    yield running
    running.stop()
