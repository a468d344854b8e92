"""A trickle of events in the demo's organizations, so that its pages move."""

import random
import threading

import structlog
from django.db import Error, connection, transaction
from django.utils.text import slugify

from jobsite.demo import people
from jobsite.demo.logins import HARBOR, NORTH
from jobsite.demo.seed import entry_of
from tenancy import changes
from tenancy.access import Actor
from tenancy.acting import acting
from tenancy.models import Mission, MissionState, Organization
from tenancy.scope import operator_scope, scope

log = structlog.get_logger(__name__)


def trickle(stopping: threading.Event, *, every_seconds: float) -> None:
    """Change some mission of some organization, again and again, until `stopping` is set."""
    chance = random.Random()  # noqa: S311 - a demo
    organizations: list[Organization] = []
    while not stopping.wait(chance.uniform(0.5, 1.5) * every_seconds):
        try:
            organizations = organizations or _organizations()
            if organizations:
                _one_event(chance.choice(organizations), chance)
        except Error as error:
            log.warning("demo_event_failed", error=str(error))
            connection.close()


def _organizations() -> list[Organization]:
    slugs = [NORTH.slug, HARBOR.slug, *map(slugify, people.ORGANIZATIONS)]
    with operator_scope("demo events"), transaction.atomic():
        return list(Organization.objects.filter(slug__in=slugs))


def _one_event(organization: Organization, chance: random.Random) -> None:
    with acting(Actor.system(), source="command"), scope(organization), transaction.atomic():
        mission = Mission.objects.filter(organization=organization).order_by("?").first()
        if mission is None:
            return
        if chance.random() < 0.6:
            changes.create(entry_of(mission, chance))
        else:
            changes.update(mission, state=chance.choice(list(MissionState)).value)
