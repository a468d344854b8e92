"""Every way of the ORM to write an entity, outside the door: refused, before a row is touched."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import models, transaction
from django.db.models import F

from tenancy import changes
from tenancy.entities import Entity, Recorded
from tenancy.errors import UnrecordedWrite
from tenancy.models import Mission, TimelineEntry
from tenancy.scope import operator_scope, scope
from tests import factories
from tests.attacks.isolation.catalog import ENTITIES, TENANT_MODELS, label

pytestmark = pytest.mark.django_db

Model = type[models.Model]


def _blank(model: Model, **values: Any) -> models.Model:
    owner = {"organization_id": 1} if issubclass(model, Entity) else {}
    return model(**owner, **values)


WRITERS: dict[str, Callable[[Any], Any]] = {
    "save": lambda model: _blank(model).save(),
    "save existing": lambda model: _blank(model, pk=1).save(force_update=True),
    "save_base": lambda model: _blank(model, pk=1).save_base(raw=True),
    "create": lambda model: model._base_manager.create(**_values(model)),
    "delete": lambda model: _blank(model, pk=1).delete(),
    "update": lambda model: model._base_manager.update(id=F("id")),
    "raw delete": lambda model: model._base_manager.all()._raw_delete("default"),
    "bulk_create": lambda model: model._base_manager.bulk_create([_blank(model)]),
    "upsert": lambda model: model._base_manager.bulk_create([_blank(model)], ignore_conflicts=True),
    "bulk_update": lambda model: model._base_manager.bulk_update(
        [_blank(model, pk=1)], [model._meta.concrete_fields[-1].name]
    ),
}


def _values(model: Model) -> dict[str, Any]:
    return {"organization_id": 1} if issubclass(model, Entity) else {}


@pytest.mark.parametrize("model", ENTITIES, ids=label)
@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS.keys())
def test_a_write_past_the_door_is_refused(model: Model, writer: Callable[[Any], Any]) -> None:
    with operator_scope("an attack"), pytest.raises(UnrecordedWrite), transaction.atomic():
        writer(model)


@pytest.mark.parametrize("model", ENTITIES, ids=label)
def test_an_entity_says_what_of_it_is_audited(model: type[Recorded]) -> None:
    columns = {field.attname for field in model._meta.concrete_fields}

    assert model.audited
    assert set(model.personal) <= set(model.audited) <= columns


def test_related_managers_and_instances_are_no_way_around() -> None:
    entry = factories.timeline_entry()
    mission: Any = entry.mission

    ways: list[Callable[[], Any]] = [
        entry.save,
        entry.delete,
        mission.delete,
        lambda: mission.timeline.update(title="x"),
        lambda: mission.timeline.all().delete(),
        lambda: mission.timeline.create(title="x", starts_at=entry.starts_at),
        lambda: mission.timeline.get_or_create(title="x", defaults={"starts_at": entry.starts_at}),
        lambda: mission.timeline.update_or_create(pk=entry.pk, defaults={"title": "x"}),
        lambda: mission.timeline.add(entry),
        lambda: Mission.objects.filter(pk=mission.pk).update(title="x"),
    ]

    with scope(mission.organization):
        for way in ways:
            with pytest.raises(UnrecordedWrite), transaction.atomic():
                way()
        assert TimelineEntry.objects.get(pk=entry.pk).title == entry.title


def test_a_person_who_is_on_a_roster_is_not_deleted_behind_the_door() -> None:
    person = factories.person()
    collaborator = factories.collaborator(user=person)

    with (
        scope(collaborator.organization),
        pytest.raises(UnrecordedWrite),
        transaction.atomic(),
    ):
        person.delete()


def test_what_a_listener_writes_is_no_exception() -> None:
    """The door is open for the one write, not for all that follows from it."""
    organization = factories.organization()
    project = factories.project(organization)

    def write(told: Any, events: Any) -> None:
        project.save()

    changes.register_listener(write)
    try:
        with scope(organization), pytest.raises(UnrecordedWrite), transaction.atomic():
            changes.update(organization, name="x")
    finally:
        changes._listeners.remove(write)


def test_every_other_tenant_model_is_known_to_be_written_by_code_alone() -> None:
    """What people set up is an entity; what code leaves behind need not be."""
    others = {model._meta.label for model in TENANT_MODELS if model not in ENTITIES}

    assert others <= {
        "audit.AuditBatch",
        "audit.AuditEvent",
        "jobs.Alert",
        "jobs.Attempt",
        "jobs.Breaker",
        "jobs.DeadLetter",
        "jobs.Delivery",
        "jobs.DeliveryAttempt",
        "jobs.Export",
        "jobs.IdempotencyKey",
        "jobs.Import",
        "jobs.ImportChunk",
        "jobs.Job",
        "jobs.JournalChange",
        "jobs.MinuteCount",
        "jobs.QueueControl",
        "jobs.RowIssue",
        "jobs.SavedMapping",
        "jobs.SearchDocument",
        "jobs.SearchEntry",
        "jobs.SearchGeneration",
        "templates.NotificationTemplate",
        "templates.TemplateVersion",
        "tenancy.DomainEvent",
    }
