"""Domain events: which change of an entity is news to people, and the data that tells it.

The table of event types is this module's `_news`. A change that is not listed here is audited all
the same; it is only nobody's news. The shape of `data` per event type is fixed by the catalogue of
the `templates` app, whose test renders what is made here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Protocol

from django.db import models

from tenancy.acting import current
from tenancy.models import Assignment, Collaborator, Mission, Project, TimelineEntry, User

_OF_MISSION = ("mission__project", "mission__organization")
NEEDED: Mapping[type[models.Model], Sequence[str]] = {
    Mission: ("project", "organization"),
    TimelineEntry: _OF_MISSION,
    Assignment: (*_OF_MISSION, "collaborator"),
}
"""The relations that the news of an entity tells of."""


@dataclass(frozen=True, kw_only=True)
class Happened:
    """A domain event that is about to be recorded."""

    event_type: str
    project_id: int | None
    mission_id: int | None
    data: dict[str, Any]


class Changed(Protocol):
    """A written entity, as `tenancy.changes` tells it."""

    @property
    def kind(self) -> str: ...
    @property
    def entity(self) -> models.Model: ...
    @property
    def before(self) -> Mapping[str, Any]: ...
    @property
    def after(self) -> Mapping[str, Any]: ...


def describe[C: Changed](changes: Sequence[C]) -> Iterator[tuple[C, Happened]]:
    """The news in these changes, each with the change that it comes from."""
    _load([change.entity for change in changes])
    actor_name = actor_name_now() if changes else ""
    for change in changes:
        for happened in _news(change.kind, change.entity, change.before, change.after):
            happened.data["actor"] = {"name": actor_name}
            yield change, happened


def _load(entities: Sequence[models.Model]) -> None:
    """Fetch what the news of many entities tells in one query each, not in some per entity."""
    for model, needed in NEEDED.items():
        of_model = [one for one in entities if isinstance(one, model)]
        models.prefetch_related_objects(of_model, *needed)


def _news(
    kind: str, entity: models.Model, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Happened]:
    match entity:
        case Mission():
            yield from _mission(kind, entity, before, after)
        case Assignment():
            yield from _assignment(kind, entity, before)
        case TimelineEntry() if kind != "deleted":
            name = "timeline.entry_added" if kind == "created" else "timeline.entry_changed"
            yield _about(name, entity.mission, entry=_entry(entity))


def _mission(
    kind: str, mission: Mission, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Happened]:
    if kind == "created":
        yield _about("mission.created", mission)
    elif kind == "changed":
        state = after.get("state")
        name = f"mission.{state}" if state in ("completed", "cancelled") else "mission.changed"
        fields = sorted(field.removesuffix("_id") for field in after)
        yield _about(name, mission, changed=fields)


def _assignment(kind: str, assignment: Assignment, before: Mapping[str, Any]) -> Iterator[Happened]:
    data: dict[str, Any] = {
        "assignment": {
            "id": assignment.pk,
            "role": assignment.role or None,
            "collaborator": _person(assignment.collaborator),
        }
    }
    if kind == "changed" and "collaborator_id" not in before:
        return
    if kind == "changed":
        previous = Collaborator.objects.get(
            organization_id=assignment.organization_id, pk=before["collaborator_id"]
        )
        data["previous"] = _person(previous)
    names = {"created": "created", "changed": "reassigned", "deleted": "removed"}
    yield _about(f"assignment.{names[kind]}", assignment.mission, **data)


def _about(event_type: str, mission: Mission, **data: Any) -> Happened:
    project = mission.project
    return Happened(
        event_type=event_type,
        project_id=project.pk,
        mission_id=mission.pk,
        data={
            "organization": {"id": mission.organization_id, "name": mission.organization.name},
            "project": _project(project),
            "mission": {
                "id": mission.pk,
                "reference": mission.reference,
                "title": mission.title,
                "description": mission.description or None,
                "state": mission.state,
                "starts_at": _time(mission.starts_at),
                "ends_at": _time(mission.ends_at),
            },
            **data,
        },
    )


def _project(project: Project) -> dict[str, Any]:
    return {"id": project.pk, "code": project.code, "name": project.name}


def _person(collaborator: Collaborator) -> dict[str, Any]:
    return {"id": collaborator.pk, "name": collaborator.name, "email": collaborator.email}


def _entry(entry: TimelineEntry) -> dict[str, Any]:
    return {
        "id": entry.pk,
        "kind": entry.kind,
        "title": entry.title,
        "starts_at": _time(entry.starts_at),
        "ends_at": _time(entry.ends_at),
        "location": entry.location or None,
        "notes": entry.notes or None,
    }


def _time(moment: Any) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()


def actor_name_now() -> str:
    """Of whoever acts, as people are told it."""
    actor = current().actor
    if actor.kind in ("user", "operator") and actor.id is not None:
        person = User.objects.filter(pk=actor.id).first()
        if person is not None:
            return person.get_full_name()
    return {"service": "An integration", "system": "The system"}.get(actor.kind, "Somebody")
