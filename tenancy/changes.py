"""The one door for writes of domain entities.

Every write, single or bulk, goes through here: it is made, compared with what stood before, turned
into the domain events of `events.py`, and told to the registered listeners, all in the caller's
transaction. The audit log listens, and so does whatever follows from an event (notifications, later
the search index). No Django signals: they miss bulk writes.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.db import transaction
from django.db.models import Manager
from django.db.models.deletion import Collector

from tenancy.acting import current, one_act
from tenancy.entities import Entity, Recorded, recording
from tenancy.events import actor_name_now, describe
from tenancy.models import DomainEvent, Organization


@dataclass(frozen=True, kw_only=True)
class Change:
    """One entity, written.

    kind: what was done.
    entity: as it is now; for a deletion, as it was.
    before, after: the audited fields that differ; `before` is empty for a creation, `after` for a
    deletion.
    untold: the other fields that differ, such as a secret; their values are nobody's to know.
    """

    kind: Literal["created", "changed", "deleted"]
    entity: Recorded
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    untold: Sequence[str] = ()

    @property
    def entity_type(self) -> str:
        """Such as `mission`, the word that audit events and domain events use."""
        return str(self.entity._meta.model_name)


Listener = Callable[[Sequence[Change], Sequence[DomainEvent]], None]
_listeners: list[Listener] = []


def register_listener(listener: Listener) -> None:
    """Call `listener(changes, events)` after each write, inside its transaction.

    A listener that raises undoes the write. Listeners are called in the order of registration.
    """
    if listener not in _listeners:
        _listeners.append(listener)


def create[E: Recorded](entity: E) -> E:
    """Insert an entity. Raises what the database raises: IntegrityError for a duplicate."""
    return create_many([entity])[0]


def create_many[E: Recorded](entities: Iterable[E]) -> list[E]:
    """Insert entities of one model in one statement."""
    new = list(entities)
    if not new:
        return []
    with transaction.atomic(), one_act():
        with recording():
            _rows(new[0]).bulk_create(new)
        _tell([Change(kind="created", entity=one, before={}, after=_audited(one)) for one in new])
    return new


def update[E: Recorded](entity: E, **values: Any) -> E:
    """Set fields of an entity, under a lock on its row; returns it as it is now.

    Fields not named keep what the database holds, not what `entity` remembers. Without a
    difference nothing is written and nobody is told. An entity stays the one it is, in its
    organization: naming the key or the organization raises ValueError.
    """
    _check_names(entity, values)
    with transaction.atomic(), one_act():
        now = _locked(entity)
        change = _set(now, values)
        if change:
            with recording():
                now.save(update_fields=list(values))
            _tell([change])
    for name, value in values.items():
        setattr(entity, name, value)
    return now


def update_many[E: Entity](entities: Iterable[E], **values: Any) -> list[E]:
    """Set the same fields of entities of one model, under locks on their rows, in one statement.

    Returns them as they are now, by id; those without a difference are neither written nor told of.
    Raises DoesNotExist, and has written nothing, if one of them is gone.
    """
    asked = {(one.organization_id, one.pk): one for one in entities}
    if not asked:
        return []
    first = next(iter(asked.values()))
    _check_names(first, values)
    with transaction.atomic(), one_act():
        rows = _rows(first).filter(organization_id__in={of for of, _ in asked})
        locked = rows.select_for_update(of=("self",)).filter(pk__in=[pk for _, pk in asked])
        found = list(locked.order_by("pk"))
        if {(one.organization_id, one.pk) for one in found} != asked.keys():
            raise type(first).DoesNotExist(f"{len(asked)} rows were to change; not all are there")
        differing = [change for one in found if (change := _set(one, values))]
        with recording():
            rows.filter(pk__in=[change.entity.pk for change in differing]).update(**values)
        _tell(differing)
    return found


def save[E: Recorded](entity: E) -> E:
    """Insert a new entity, or write an existing one as it stands: what a form does."""
    if entity._state.adding:
        return create(entity)
    fixed = _fixed(entity)
    names = [field.attname for field in entity._meta.concrete_fields if field.editable]
    return update(entity, **{name: getattr(entity, name) for name in names if name not in fixed})


def delete(entity: Recorded) -> None:
    """Delete an entity with what hangs on it; each deleted entity is told about.

    Raises ProtectedError when something that must not go refers to it.
    """
    with transaction.atomic(), one_act():
        # What was read may be old: delete the row that is there, and report that one. The lock also
        # keeps others from hanging something on it meanwhile.
        now = _locked(entity)
        collector = Collector(using="default", origin=now)
        collector.collect([now])
        doomed = [
            one for many in collector.data.values() for one in many if isinstance(one, Recorded)
        ]
        for queryset in collector.fast_deletes:
            doomed += [one for one in queryset if isinstance(one, Recorded)]
        gone = [
            Change(kind="deleted", entity=one, before=_audited(one), after={}) for one in doomed
        ]
        events = _events(gone)
        key = now.pk
        with recording():
            now.delete()
        now.pk = key
        _tell(gone, events)


def announce(
    event_type: str, data: Mapping[str, Any], *, organization: Organization
) -> DomainEvent:
    """Record news that is no change of one entity, such as the end of an import.

    data: as the catalogue has it, without organization and actor. The listeners hear it as they
    hear the news of a write.
    """
    acting = current()
    about = {"organization": {"id": organization.pk, "name": organization.name}}
    event = DomainEvent(
        organization_id=organization.pk,
        event_type=event_type,
        entity_type="organization",
        entity_id=organization.pk,
        data={**about, **data, "actor": {"name": actor_name_now()}},
        actor_id=str(acting.actor),
        correlation_id=acting.correlation_id,
    )
    _tell([], [event])
    return event


def _locked[E: Recorded](entity: E) -> E:
    mine = {} if isinstance(entity, Organization) else {"organization_id": entity.organization_id}
    return _rows(entity).select_for_update(of=("self",)).get(pk=entity.pk, **mine)


def _set(now: Recorded, values: Mapping[str, Any]) -> Change | None:
    """Set them in memory; what that changes, or None."""
    before = _all_values(now)
    for name, value in values.items():
        setattr(now, name, value)
    after = _all_values(now)
    differing = [name for name in after if before[name] != after[name]]
    if not differing:
        return None
    told = [name for name in differing if name in now.audited]
    return Change(
        kind="changed",
        entity=now,
        before={name: before[name] for name in told},
        after={name: after[name] for name in told},
        untold=[name for name in differing if name not in told],
    )


def _rows[E: Recorded](entity: E) -> Manager[E]:
    return type(entity)._base_manager


def _check_names(entity: Recorded, values: Mapping[str, Any]) -> None:
    if refused := {"pk", "organization", *_fixed(entity)} & values.keys():
        raise ValueError(f"{entity._meta.model_name} keeps its {', '.join(sorted(refused))}")


def _fixed(entity: Recorded) -> set[str]:
    return {"organization_id", str(entity._meta.pk.attname)}


def _tell(changes: Sequence[Change], events: Sequence[DomainEvent] | None = None) -> None:
    recorded = DomainEvent.objects.bulk_create(_events(changes) if events is None else events)
    for listener in _listeners:
        listener(changes, recorded)


def _events(changes: Sequence[Change]) -> list[DomainEvent]:
    acting = current()
    return [
        DomainEvent(
            organization_id=change.entity.organization_id,
            event_type=happened.event_type,
            project_id=happened.project_id,
            mission_id=happened.mission_id,
            entity_type=change.entity_type,
            entity_id=change.entity.pk,
            data=happened.data,
            actor_id=str(acting.actor),
            correlation_id=acting.correlation_id,
        )
        for change, happened in describe(changes)
    ]


def _audited(entity: Recorded) -> dict[str, Any]:
    return {name: getattr(entity, name) for name in entity.audited}


def _all_values(entity: Recorded) -> dict[str, Any]:
    columns = [field.attname for field in entity._meta.concrete_fields]
    return {name: getattr(entity, name) for name in columns} | _audited(entity)
