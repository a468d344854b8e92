"""No write of anything that a document shows leaves the document's version as it was."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import models

from jobs.families.notifications.models import Subscription
from jobs.families.search.documents import Document, read
from tenancy import changes
from tenancy.entities import Entity
from tenancy.models import Assignment, Collaborator, Mission, Project, TimelineEntry
from tests.attacks.isolation.catalog import ENTITIES
from tests.factories import tenancy as make
from tests.factories.jobs import at
from tests.factories.search import version, work

pytestmark = pytest.mark.django_db(transaction=True)

type Make = Callable[[Mission], Any]

FEEDS: dict[type[Entity], Make] = {
    Mission: lambda mission: mission,
    Project: lambda mission: mission.project,
    TimelineEntry: make.timeline_entry,
    Assignment: make.assignment,
    Collaborator: lambda mission: make.assignment(mission).collaborator,
}
"""The models that a mission's document shows something of, and one row of each."""

SHOWN: dict[type[Entity], dict[str, Any]] = {
    Mission: {"title": "Shown", "description": "Shown", "reference": "SHOWN", "state": "active"},
    Project: {"name": "Shown", "code": "SHOWN", "state": "archived"},
    TimelineEntry: {"title": "Shown", "notes": "Shown", "location": "Shown"},
    Assignment: {"role": "Shown"},
    Collaborator: {"name": "Shown"},
}
"""Their fields that it shows, with another value."""

CASES = [(model, field) for model, fields in SHOWN.items() for field in fields]

WAYS: dict[str, Callable[[Any, str, Any], Any]] = {
    "update": lambda one, field, value: changes.update(one, **{field: value}),
    "bulk update": lambda one, field, value: changes.update_many([one], **{field: value}),
    "save": lambda one, field, value: changes.save(_with(one, field, value)),
}


def _with(one: models.Model, field: str, value: Any) -> Any:
    setattr(one, field, value)
    return one


UNSEEN = {Subscription}
"""Models that refer to a mission or a project, and that no document shows anything of."""


def test_every_model_that_refers_to_a_mission_or_project_was_thought_of() -> None:
    heart = {Mission, Project}
    related = {
        model
        for model in ENTITIES
        for field in model._meta.get_fields()
        if field.is_relation and not field.auto_created and field.related_model in heart
    }

    assert related - heart == FEEDS.keys() - heart - {Collaborator} | UNSEEN


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("model", "field"), CASES)
def test_a_change_of_what_a_document_shows_is_counted(
    way: str, model: type[Entity], field: str
) -> None:
    mission = make.mission()
    of, row = mission.organization, FEEDS[model](mission)
    work(of)
    before = version(of, mission)

    with at(of):
        WAYS[way](row, field, SHOWN[model][field])
    work(of)

    assert version(of, mission) > before


@pytest.mark.parametrize("model", [TimelineEntry, Assignment])
def test_what_hangs_on_a_mission_is_counted_when_it_comes_and_when_it_goes(
    model: type[Entity],
) -> None:
    mission = make.mission()
    of = mission.organization

    row = FEEDS[model](mission)
    came = version(of, mission)
    with at(of):
        changes.delete(row)

    assert came > 1
    assert version(of, mission) == came + 1


def test_an_entry_that_moves_is_counted_where_it_was_and_where_it_is() -> None:
    mission = make.mission()
    other, of = make.mission(mission.project), mission.organization
    entry = make.timeline_entry(mission)
    before = version(of, mission), version(of, other)

    with at(of):
        changes.update(entry, mission_id=other.pk)

    assert (version(of, mission), version(of, other)) == (before[0] + 1, before[1] + 1)


def test_a_mission_that_moves_to_another_project_is_counted() -> None:
    mission = make.mission()
    of = mission.organization
    elsewhere = make.project(of)

    with at(of):
        changes.update(mission, project_id=elsewhere.pk)

    assert version(of, mission) == 2


def test_a_document_shows_each_of_these_fields() -> None:
    """A list that names fields which no document shows would test nothing."""
    for model, field in CASES:
        mission = make.mission()
        of, row = mission.organization, FEEDS[model](mission)
        before = _read(mission)

        with at(of):
            changes.update(row, **{field: SHOWN[model][field]})

        assert _read(mission).digest != before.digest, (model, field)


def _read(mission: Mission) -> Document:
    with at(mission.organization):
        return read(mission.organization_id, [("mission", mission.pk)]).documents[0]
