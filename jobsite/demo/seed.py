"""Some thirty organizations of very different size, with people, missions and webhooks.

Everything goes through the doors that the product has, so that what the pages show afterwards
(events, jobs, deliveries, audit log) has really happened. The same at every first start.
"""

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils.text import slugify

from jobs.families.notifications import endpoints
from jobs.families.notifications.models import Endpoint
from jobsite.demo import people
from jobsite.demo.logins import HARBOR, LOGINS, NORTH, PASSWORD
from templates.catalogue import EVENT_TYPES
from tenancy import changes
from tenancy.models import (
    SITE_ORGANIZATION_ID,
    Assignment,
    Collaborator,
    Membership,
    Mission,
    MissionState,
    Organization,
    Project,
    Role,
    TimelineEntry,
    User,
)
from tenancy.scope import operator_scope, scope

# The largest has most of the missions; the smallest a handful.
LARGEST = 60
WITH_WEBHOOK = 8  # the largest so many


class NotADemo(Exception):
    """The database holds more than the demo."""


@dataclass(frozen=True, kw_only=True)
class Seeded:
    """What was made."""

    organizations: int
    missions: int


def seed() -> Seeded:
    """Make the demo's data, organization by organization, each whole or not at all.

    Those that are there already are left alone, so a seeding that was interrupted goes on. Raises
    `NotADemo` for a database that somebody works with: its logins have a password that everybody
    knows.
    """
    names = [(NORTH.name, NORTH.slug), (HARBOR.name, HARBOR.slug)]
    names += [(name, slugify(name)) for name in people.ORGANIZATIONS]
    _refuse_real_data({slug for _, slug in names})
    _operators()
    made = [
        _organization(name, slug, rank)
        for rank, (name, slug) in enumerate(names, start=1)
        if not _exists(slug)
    ]
    return Seeded(organizations=len(made), missions=sum(made))


def _refuse_real_data(slugs: set[str]) -> None:
    with operator_scope("demo data"), transaction.atomic():
        others = Organization.objects.filter(pk__gt=SITE_ORGANIZATION_ID).exclude(slug__in=slugs)
        if others.exists():
            raise NotADemo(
                "This database holds organizations of your own, so no demo data were added: their "
                "logins have a password that everybody knows. Give the demo a database of its own."
            )


def _exists(slug: str) -> bool:
    with operator_scope("demo data"), transaction.atomic():
        return Organization.objects.filter(slug=slug).exists()


def _organization(name: str, slug: str, rank: int) -> int:
    """One organization with everything in it; returns how many missions it has."""
    chance = random.Random(rank)  # noqa: S311 - the same demo every time
    with operator_scope("demo data"), transaction.atomic():
        organization = changes.create(Organization(name=name, slug=slug))
        with scope(organization):
            _people(organization)
            missions = _work(organization, max(2, LARGEST // rank), chance)
            if rank <= WITH_WEBHOOK:
                tell_receivers(_webhook(organization))
    return missions


def tell_receivers(secrets: dict[str, str]) -> None:
    """Tell the demo's receivers, on this machine only, what to verify with."""
    path = settings.RECEIVERS_SECRETS_FILE
    path.touch(mode=0o600)
    known = json.loads(path.read_text() or "{}")
    path.write_text(json.dumps(known | secrets))


def follow_receivers() -> int:
    """Point the endpoints at our receivers' hooks to their present port; returns how many moved."""
    path = settings.RECEIVERS_SECRETS_FILE
    hooks = set(json.loads(path.read_text())) if path.exists() else set()
    now = f"127.0.0.1:{settings.RECEIVERS_WEB_PORT}"
    moved = 0
    with operator_scope("demo receivers moved"), transaction.atomic():
        for endpoint in Endpoint.objects.filter(url__startswith="http://127.0.0.1:"):
            there = urlsplit(endpoint.url)
            if there.netloc != now and there.path.rpartition("/")[2] in hooks:
                endpoints.change(endpoint, url=there._replace(netloc=now).geturl())
                moved += 1
    return moved


def _operators() -> None:
    for login in LOGINS:
        if login.organization is None and not User.objects.filter(email=login.email).exists():
            User.objects.create_superuser(email=login.email, password=PASSWORD, name=login.name)


def _people(organization: Organization) -> None:
    owner, _ = User.objects.get_or_create(
        email=f"owner@{organization.slug}.example", defaults={"name": f"{organization.name} owner"}
    )
    changes.create(Membership(organization=organization, user=owner, role=Role.OWNER))
    for login in LOGINS:
        if login.organization is not None and login.organization.slug == organization.slug:
            person = User(email=login.email, name=login.name)
            person.set_password(PASSWORD)
            person.save()
            changes.create(Membership(organization=organization, user=person, role=login.role))
            changes.create(
                Collaborator(
                    organization=organization, email=login.email, name=login.name, user=person
                )
            )


def _work(organization: Organization, size: int, chance: random.Random) -> int:
    """Projects, a roster, missions with their assignments and timelines."""
    projects = changes.create_many(
        [
            Project(organization=organization, code=f"P{number}", name=name)
            for number, name in enumerate(people.PROJECTS[: 1 + size // 20], start=1)
        ]
    )
    roster = changes.create_many(_roster(organization, 2 + size // 10, chance))
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    missions = changes.create_many(
        [
            Mission(
                organization=organization,
                project=chance.choice(projects),
                reference=f"MSN-{1000 + number}",
                title=f"{chance.choice(people.VERBS)} {chance.choice(people.PLACES)}",
                state=chance.choice([MissionState.PLANNED, MissionState.ACTIVE]),
                starts_at=start + timedelta(days=chance.randint(-20, 20)),
            )
            for number in range(size)
        ]
    )
    ends = (missions[0], missions[-1])  # the first, and the topmost of the list, have somebody
    changes.create_many(
        [
            Assignment(organization=organization, mission=mission, collaborator=person)
            for mission in missions
            if chance.random() < 0.5 or mission in ends
            for person in chance.sample(roster, k=1)
        ]
    )
    changes.create_many(
        [entry_of(mission, chance) for mission in missions if chance.random() < 0.3]
    )
    return len(missions)


def entry_of(mission: Mission, chance: random.Random) -> TimelineEntry:
    """A plausible new entry of a mission's timeline."""
    return TimelineEntry(
        organization_id=mission.organization_id,
        mission=mission,
        title=chance.choice(people.NOTES),
        starts_at=datetime.now(UTC),
        location=chance.choice(people.PLACES),
    )


def _roster(organization: Organization, size: int, chance: random.Random) -> list[Collaborator]:
    names = chance.sample([(first, last) for first in people.FIRST for last in people.LAST], k=size)
    return [
        Collaborator(
            organization=organization,
            email=f"{slugify(first)}.{slugify(last)}@{organization.slug}.example",
            name=f"{first} {last}",
            role=chance.choice(["lead", "driver", "medic", "engineer"]),
        )
        for first, last in names
    ]


def _webhook(organization: Organization) -> dict[str, str]:
    """An endpoint at the demo's receiver; the second organization has one with a typo besides."""
    receiver = f"http://127.0.0.1:{settings.RECEIVERS_WEB_PORT}"
    _, secret = endpoints.create(
        organization.pk,
        name="Operations board",
        url=f"{receiver}/hooks/{organization.slug}",
        event_types=list(EVENT_TYPES),
    )
    secrets = {organization.slug: secret}
    if organization.slug == HARBOR.slug:
        _, secret = endpoints.create(
            organization.pk,
            name="Dispatch desk",
            url=f"{receiver}/hook/{HARBOR.slug}-dispatch",  # should be /hooks/
            event_types=["mission.completed", "mission.cancelled"],
        )
        secrets[f"{HARBOR.slug}-dispatch"] = secret
        mission = Mission.objects.filter(organization=organization).latest("pk")
        changes.update(mission, state=MissionState.COMPLETED)
    return secrets
