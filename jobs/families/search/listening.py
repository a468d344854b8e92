"""Every change of a domain entity that some document shows is counted, in its transaction."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from jobs.families.search import requests
from jobs.families.search.counter import count
from jobs.families.search.documents import Key
from jobs.families.search.models import Kind
from tenancy.changes import Change
from tenancy.models import (
    Assignment,
    Collaborator,
    DomainEvent,
    Mission,
    Project,
    TimelineEntry,
)

SHOWN_OF_PROJECT = {"code", "name", "state"}
SHOWN_OF_COLLABORATOR = {"name"}

_GONE = {"created": False, "changed": None, "deleted": True}


def count_changes(changes: Sequence[Change], _: Sequence[DomainEvent]) -> None:
    """Listener of `tenancy.changes`."""
    found: dict[int, dict[Key, bool | None]] = defaultdict(dict)
    for change in changes:
        of_organization = found[change.entity.organization_id]
        for key, deleted in _documents(change):
            # What is said of the entity itself counts, not what hung on it.
            if of_organization.get(key) is None:
                of_organization[key] = deleted
        _touch_many(change)
    for organization_id, documents in found.items():
        for deleted in (True, False, None):
            if keys := [key for key, gone in documents.items() if gone is deleted]:
                count(organization_id, keys, deleted=deleted)


def _documents(change: Change) -> Iterator[tuple[Key, bool | None]]:
    entity = change.entity
    match entity:
        case Mission():
            yield (Kind.MISSION.value, entity.pk), _GONE[change.kind]
        case Project():
            yield (Kind.PROJECT.value, entity.pk), _GONE[change.kind]
        case TimelineEntry() | Assignment():
            yield (Kind.MISSION.value, entity.mission_id), None
            if change.kind == "changed" and "mission_id" in change.before:
                yield (Kind.MISSION.value, change.before["mission_id"]), None


def _touch_many(change: Change) -> None:
    if change.kind != "changed":
        return
    entity, told = change.entity, change.after.keys()
    if isinstance(entity, Project) and SHOWN_OF_PROJECT & told:
        requests.touch(entity.organization_id, "project", entity.pk)
    elif isinstance(entity, Collaborator) and SHOWN_OF_COLLABORATOR & told:
        requests.touch(entity.organization_id, "collaborator", entity.pk)
