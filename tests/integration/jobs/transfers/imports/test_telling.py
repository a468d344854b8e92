"""One piece of news when an import is through, and none for its rows."""

import pytest
from jsonschema_rs import Draft202012Validator

from jobs.families.notifications.models import Delivery
from jobs.families.notifications.recipients import people
from templates import catalogue
from tenancy import changes
from tenancy.models import Assignment, DomainEvent
from tests import factories
from tests.factories import tenancy
from tests.factories.imports import csv, line
from tests.factories.jobs import at
from tests.integration.jobs.transfers.imports.looking import entries

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mission():
    return factories.mission()


@pytest.fixture
def own(mission):
    return mission.organization


@pytest.fixture
def assigned(mission, own):
    person = tenancy.collaborator(own)
    with at(own):
        changes.create(Assignment(organization=own, mission=mission, collaborator=person))
    return person


def news(own):
    """Of imports and entries."""
    with at(own):
        found = DomainEvent.objects.filter(organization=own).order_by("pk")
        told = found.exclude(event_type__startswith="mission.")
        return list(told.exclude(event_type__startswith="assignment."))


def test_it_is_told_once_with_its_counts(completed, mission, own):
    of = completed(csv(*(line(f"E-{n}", mission.reference) for n in range(3))), of=own)

    [event] = news(own)
    assert (event.event_type, event.entity_type, event.mission_id) == (
        "import.completed",
        "organization",
        None,
    )
    assert event.data["import"] == {
        "id": str(of.pk),
        "kind": "timeline",
        "file_name": "timeline.csv",
        "added": 3,
        "changed": 0,
        "unchanged": 0,
        "removed": 0,
        "failed": 0,
    }
    assert set(event.data) == {"organization", "import", "actor"}
    schema = catalogue.event_type(event.event_type).schema(catalogue.MAIL)
    Draft202012Validator(schema).validate(catalogue.context(event))


def test_those_who_are_assigned_hear_of_it_where_that_was_chosen(completed, mission, own, assigned):
    file = csv(line("E-1", mission.reference))
    completed(file, of=own)
    completed(csv(line("E-2", mission.reference)), of=own, choices={"notify_assignees": True})

    quiet, told = news(own)
    with at(own):
        assert people(quiet) == []
        assert people(told) == [(assigned, None)]


def test_those_of_a_mission_that_lost_entries_hear_of_it_too(completed, mission, own, assigned):
    other = factories.mission(tenancy.project(own))
    completed(csv(line("E-1", mission.reference)), of=own)

    completed(csv(line("E-1", other.reference)), of=own, choices={"notify_assignees": True})

    with at(own):
        assert [person for person, _ in people(news(own)[-1])] == [assigned]
    assert entries(own)["E-1"].mission_id == other.pk


def test_whoever_lost_their_place_meanwhile_is_not_told(completed, mission, own, assigned):
    file = csv(line("E-1", mission.reference))
    completed(file, of=own, choices={"notify_assignees": True})
    with at(own):
        changes.update(assigned, status="inactive")
        [(person, why)] = people(news(own)[-1])

    assert (person, why) == (assigned, "recipient_inactive")


def test_what_is_refused_is_no_news(validated, mission, own):
    validated(csv(line("E-1", "NOWHERE")), of=own)

    assert news(own) == []
    with at(own):
        assert not Delivery.objects.filter(organization=own).exists()
