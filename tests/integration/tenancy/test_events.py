"""Real events of the domain, in the form that the catalogue of the templates promises."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import transaction
from jsonschema_rs import Draft202012Validator

from templates import catalogue
from templates.render import render
from tenancy import changes
from tenancy.models import DomainEvent, Mission
from tenancy.scope import scope
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def events() -> dict[str, DomainEvent]:
    """The latest event of every type that a mission's life brings."""
    mission = factories.mission(description="By hand.", starts_at=datetime(2026, 3, 1, tzinfo=UTC))
    with scope(mission.organization), transaction.atomic():
        _live(mission)
        return {one.event_type: one for one in DomainEvent.objects.order_by("id")}


def _live(mission: Mission) -> None:
    changes.update(mission, title="Another title")
    entry = factories.timeline_entry(mission, location="Yard 3")
    changes.update(entry, notes="Left behind the shed.")
    assignment = factories.assignment(mission, role="Lead")
    changes.update(assignment, collaborator=factories.collaborator(mission.organization))
    changes.delete(assignment)
    changes.update(mission, state="completed")
    changes.update(mission, state="cancelled")


def _bare() -> Iterator[DomainEvent]:
    """Events of a mission of which everything optional is missing."""
    mission = factories.mission()
    with scope(mission.organization), transaction.atomic():
        _live(mission)
        yield from DomainEvent.objects.all()


def test_every_type_of_the_catalogue_happens(events: dict[str, DomainEvent]) -> None:
    of_no_mission = {"import.completed"}  # announced by the family of imports, and tested there
    assert events.keys() | of_no_mission == catalogue.EVENT_TYPES.keys()


def test_the_data_of_every_event_fits_the_catalogue(events: dict[str, DomainEvent]) -> None:
    for event in [*events.values(), *_bare()]:
        schema = catalogue.event_type(event.event_type).schema(catalogue.MAIL)
        Draft202012Validator(schema).validate(catalogue.context(event))


@pytest.mark.parametrize("channel", catalogue.CHANNELS)
def test_the_default_template_renders_every_event(
    channel: str, events: dict[str, DomainEvent]
) -> None:
    for event in [*events.values(), *_bare()]:
        data = catalogue.context(event, recipient_name="Dana Osei")
        with scope(event.organization_id):
            made = render(event.organization_id, event.event_type, channel, "en", data)

        assert made.fallback_reason is None
        shown = made.text if channel == catalogue.MAIL else made.body.decode()
        assert event.data["mission"]["reference"] in shown


def test_the_data_hold_nothing_that_the_catalogue_does_not_name(
    events: dict[str, DomainEvent],
) -> None:
    for event in events.values():
        schema = catalogue.event_type(event.event_type).schema(catalogue.MAIL)
        assert _unknown(catalogue.context(event), schema) == []


def _unknown(value: Any, schema: Any) -> list[str]:
    if not isinstance(value, dict):
        return []
    properties = schema["properties"]
    inner = [
        name for key in value.keys() & properties for name in _unknown(value[key], properties[key])
    ]
    return [*inner, *sorted(value.keys() - properties)]


def test_times_are_told_in_utc() -> None:
    there = timezone(timedelta(hours=2))
    mission = factories.mission(starts_at=datetime(2026, 3, 1, 10, tzinfo=there))

    with scope(mission.organization):
        event = DomainEvent.objects.get(mission_id=mission.pk)

    assert event.data["mission"]["starts_at"] == "2026-03-01T08:00:00+00:00"


def test_an_event_outlives_the_mission_that_it_is_about() -> None:
    mission = factories.mission()

    with scope(mission.organization):
        changes.delete(mission)
        assert DomainEvent.objects.filter(mission_id=mission.pk).exists()
