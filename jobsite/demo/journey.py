"""The steps of the demo's check that speak to the product; imported once the settings are ready."""

import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import redis
from django.conf import settings
from django.db import transaction
from django.db.models import Count

from audit.models import AuditEvent
from jobs import deadletters
from jobs.control import queues
from jobs.explain import explain
from jobs.families.notifications import endpoints
from jobs.families.notifications.models import Delivery
from jobs.ledger.models import DeadLetter, Job
from jobs.ledger.states import FINAL
from jobsite.demo.receivers import Receivers
from templates.catalogue import EVENT_TYPES
from tenancy import changes
from tenancy.access import Actor
from tenancy.acting import acting
from tenancy.models import (
    Assignment,
    Collaborator,
    DomainEvent,
    Membership,
    Mission,
    Organization,
    Project,
    Role,
    TimelineEntry,
    User,
)
from tenancy.scope import operator_scope, scope


@dataclass(frozen=True, kw_only=True)
class Cast:
    """One organization of the journey, and who acts in it."""

    organization: Organization
    editor: Actor
    mission_id: int
    collaborator_id: int
    hook: str


def set_up(name: str, slug: str, receivers: Receivers) -> Cast:
    """An organization with an editor, a mission, a roster and a webhook."""
    with operator_scope("demo"), transaction.atomic():
        organization = changes.create(Organization(name=name, slug=slug))
    person = User.objects.create(email=f"editor@{slug}.example", name="An Editor")
    with scope(organization), transaction.atomic():
        changes.create(Membership(organization=organization, user=person, role=Role.EDITOR))
        project = changes.create(Project(organization=organization, code="P1", name="Coastline"))
        people = changes.create_many(
            [
                Collaborator(organization=organization, email=f"{who}@{slug}.example", name=who)
                for who in ("amina", "bruno")
            ]
        )
        _, secret = endpoints.create(
            organization.pk, name="Board", url=receivers.url(slug), event_types=list(EVENT_TYPES)
        )
        mission = changes.create(
            Mission(organization=organization, project=project, reference="MSN-1", title="Pier")
        )
    receivers.learn(slug, secret)
    return Cast(
        organization=organization,
        editor=Actor.user(person.pk),
        mission_id=mission.pk,
        collaborator_id=people[0].pk,
        hook=slug,
    )


def cause_events(one: Cast) -> None:
    """Assign somebody, change the mission, add to its timeline, complete it: each in a request."""
    assignment = Assignment(
        organization=one.organization,
        mission_id=one.mission_id,
        collaborator_id=one.collaborator_id,
    )
    _in_request(one, lambda mission: changes.create(assignment))
    _in_request(one, lambda mission: changes.update(mission, title="The north pier"))
    _in_request(one, lambda mission: changes.create(_entry(mission, "Team on site")))
    _in_request(one, lambda mission: changes.update(mission, state="completed"))


def cause_one_event(one: Cast) -> None:
    """One change of the mission."""
    _in_request(one, lambda mission: changes.create(_entry(mission, "Weather hold")))


def burst(cast: list[Cast], events: int) -> None:
    """Many events at once, in every organization."""
    for number in range(events):
        for one in cast:
            _in_request(
                one, lambda mission, n=number: changes.create(_entry(mission, f"Entry {n}"))
            )


def flush_redis() -> None:
    """Redis loses everything."""
    redis.Redis.from_url(settings.REDIS_URL).flushall()


def pause(one: Cast) -> None:
    """An operator pauses all queues of an organization."""
    with _operating("pause", one.organization.pk):
        queues.pause(one.organization.pk, reason="its receiver is being repaired")


def resume(one: Cast) -> None:
    """And lets them go on."""
    with _operating("resume", one.organization.pk):
        queues.resume(one.organization.pk, reason="it is repaired")


def waiting_because(one: Cast) -> set[str]:
    """Why the organization's unfinished jobs do not run."""
    with scope(one.organization), transaction.atomic():
        mine = Job.objects.filter(organization=one.organization).exclude(state__in=FINAL)
        return {str(explain(job).cause) for job in mine}


def replay(letter: DeadLetter) -> int:
    """An operator retries a dead letter; returns how many jobs moved."""
    with _operating("replay", letter.organization_id):
        job_ids = [letter.job_id] if letter.job_id else []
        return deadletters.retry(job_ids, reason="the receiver was repaired").done


def unfinished(cast: list[Cast]) -> int:
    """Jobs that have not ended, and events whose fan-out has not been enqueued yet: none."""
    total = 0
    for one in cast:
        with scope(one.organization), transaction.atomic():
            mine = Job.objects.filter(organization=one.organization)
            total += mine.exclude(state__in=FINAL).count()
    return total


def deliveries(one: Cast) -> Counter[tuple[str, str]]:
    """Deliveries by channel and state."""
    with scope(one.organization), transaction.atomic():
        mine = Delivery.objects.filter(organization=one.organization)
        return Counter(mine.values_list("channel", "state"))


def undelivered(cast: list[Cast]) -> int:
    """Events that should have reached the webhook, and did not."""
    missing = 0
    for one in cast:
        with scope(one.organization), transaction.atomic():
            told = Delivery.objects.filter(
                organization=one.organization, channel="webhook", state="sent"
            ).values("event_id")
            heard = DomainEvent.objects.filter(
                organization=one.organization, event_type__in=EVENT_TYPES
            )
            missing += heard.exclude(pk__in=told).count()
    return missing


def doubled(cast: list[Cast]) -> int:
    """Deliveries of one event to one recipient that exist twice, and jobs that ended twice."""
    twice = 0
    for one in cast:
        with scope(one.organization), transaction.atomic():
            twice += (
                Delivery.objects.filter(organization=one.organization)
                .values("event_id", "channel", "recipient")
                .annotate(times=Count("pk"))
                .filter(times__gt=1)
                .count()
            )
            twice += (
                Job.objects.filter(organization=one.organization, attempts__outcome="succeeded")
                .annotate(times=Count("attempts"))
                .filter(times__gt=1)
                .count()
            )
    return twice


def open_dead_letters(one: Cast) -> list[DeadLetter]:
    """What waits for a person."""
    with scope(one.organization), transaction.atomic():
        return list(DeadLetter.objects.filter(organization=one.organization, state="open"))


def sent_ids(cast: list[Cast], channel: str) -> set[str]:
    """The effect ids of everything that was sent."""
    ids: set[uuid.UUID] = set()
    for one in cast:
        with scope(one.organization), transaction.atomic():
            mine = Delivery.objects.filter(organization=one.organization, channel=channel)
            ids |= set(mine.filter(state="sent").values_list("pk", flat=True))
    return {str(one) for one in ids}


def events(one: Cast) -> int:
    """Domain events."""
    with scope(one.organization), transaction.atomic():
        return DomainEvent.objects.filter(organization=one.organization).count()


def jobs(one: Cast) -> Counter[str]:
    """Jobs by state."""
    with scope(one.organization), transaction.atomic():
        return Counter(
            Job.objects.filter(organization=one.organization).values_list("state", flat=True)
        )


def audit_events(one: Cast) -> int:
    """Events in the organization's audit log."""
    with scope(one.organization), transaction.atomic():
        return AuditEvent.objects.filter(organization=one.organization).count()


def is_isolated(cast: list[Cast]) -> bool:
    """In the scope of one organization, no row of the other can be seen, whatever is asked."""
    for one in cast:
        with scope(one.organization), transaction.atomic():
            for model in (Mission, DomainEvent, Job, Delivery, AuditEvent, DeadLetter):
                if model._base_manager.exclude(organization=one.organization).exists():
                    return False
    return True


@contextmanager
def _operating(what: str, organization_id: int | None) -> Iterator[None]:
    """As the operator of the site would, by a command."""
    address = "operator@example.com"
    operator = User.objects.filter(email=address).first() or User.objects.create_superuser(
        email=address, password=None
    )
    with (
        acting(Actor.operator(operator.pk), source="command"),
        operator_scope(f"demo: {what}", organization_id),
        transaction.atomic(),
    ):
        yield


def _in_request(one: Cast, change: object) -> None:
    """As a request of the editor would: an actor, a new correlation_id, a scope, a transaction."""
    assert callable(change)
    with (
        acting(one.editor, source="web", correlation_id=str(uuid.uuid4())),
        scope(one.organization),
        transaction.atomic(),
    ):
        change(Mission.objects.get(organization=one.organization, pk=one.mission_id))


def _entry(mission: Mission, title: str) -> TimelineEntry:
    return TimelineEntry(
        organization_id=mission.organization_id,
        mission=mission,
        title=title,
        starts_at=datetime.now(UTC),
    )
