"""A trickle of events in the demo's organizations, so that its pages move."""

import random
import threading

import structlog
from django.db import Error, connection, transaction

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
    while not stopping.wait(chance.uniform(0.5, 1.5) * every_seconds):
        try:
            _one_event(chance)
        except Error as error:
            log.warning("demo_event_failed", error=str(error))
            connection.close()


def _one_event(chance: random.Random) -> None:
    with operator_scope("demo events"), transaction.atomic():
        organizations = list(Organization.objects.filter(pk__gt=0, state="active"))
    if not organizations:
        return
    organization = chance.choice(organizations)
    with acting(Actor.system(), source="command"), scope(organization), transaction.atomic():
        mission = Mission.objects.filter(organization=organization).order_by("?").first()
        if mission is None:
            return
        if chance.random() < 0.6:
            changes.create(entry_of(mission, chance))
        else:
            changes.update(mission, state=chance.choice(list(MissionState)).value)
