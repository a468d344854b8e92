"""Domain events: which change of an entity is news to people, and the data that tells it.

The table of event types is this module's `describe`. A change that is not listed here is audited all
the same; it is only nobody's news. The shape of `data` per event type is fixed by the catalogue of
the `templates` app, whose test renders what is made here.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tenancy.acting import current
from tenancy.entities import Entity
from tenancy.models import Assignment, Collaborator, Mission, Project, TimelineEntry, User


@dataclass(frozen=True, kw_only=True)
class Happened:
    """A domain event that is about to be recorded."""

    event_type: str
    project_id: int | None
    mission_id: int | None
    data: dict[str, Any]


def describe(
    kind: str, entity: Entity, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterable[Happened]:
    """The news in one change of one entity."""
    match entity:
        case Mission():
            yield from _mission(kind, entity, before, after)
        case Assignment():
            yield from _assignment(kind, entity, before)
        case TimelineEntry() if kind != "deleted":
            name = "timeline.entry_added" if kind == "created" else "timeline.entry_changed"
            yield _about(name, entity.mission, entry=_entry(entity))
        case _:
            return


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
            "actor": {"name": _actor_name()},
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
    return None if moment is None else moment.isoformat()


def _actor_name() -> str:
    actor = current().actor
    if actor.kind in ("user", "operator"):
        person = User.objects.filter(pk=actor.id).first()
        if person is not None:
            return person.get_full_name()
    return {"service": "An integration", "system": "The system"}.get(actor.kind, "Somebody")
