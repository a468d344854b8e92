"""What the audit log says of a write of an entity."""

from collections.abc import Sequence

from audit.record import Event, record_many
from tenancy.changes import Change
from tenancy.entities import Recorded
from tenancy.models import DomainEvent


def record_changes(changes: Sequence[Change], events: Sequence[DomainEvent]) -> None:
    """Listener of `tenancy.changes`: every write of an entity is an event."""
    record_many([_of_change(change) for change in changes])


def _of_change(change: Change) -> Event:
    entity = change.entity
    names = change.before.keys() | change.after.keys()
    # A secret that changed: that it did is news, its values are not.
    untold = {"also_changed": list(change.untold)} if change.untold else {}
    both = {name: (change.before.get(name), change.after.get(name)) for name in sorted(names)}
    return Event(
        organization_id=entity.organization_id,
        action=f"{change.entity_type}.{_deed(change)}",
        target_type=change.entity_type,
        target_id=str(entity.pk),
        project_id=_project_of(entity),
        changes={name: pair for name, pair in both.items() if name not in entity.personal},
        personal={name: pair for name, pair in both.items() if name in entity.personal},
        detail=untold,
    )


def _deed(change: Change) -> str:
    """`created`, `changed` or `deleted`, or what the entity calls the change of such a field."""
    if change.kind != "changed":
        return change.kind
    differing = {*change.after, *change.untold}
    for name, deed in change.entity.named_changes.items():
        if name in differing:
            return deed if isinstance(deed, str) else deed(getattr(change.entity, name))
    return change.kind


def _project_of(entity: Recorded) -> int | None:
    if entity._meta.model_name == "project":
        return int(entity.pk)
    owner = getattr(entity, "mission", entity)
    project_id: int | None = getattr(owner, "project_id", None)
    return project_id
