"""Every event that people hear of: the schema of its data, a sample, hard cases, default templates.

The editor's palette, the validation, the preview and the fallback at delivery all come from here.
The data is what `tenancy.events` records, plus `event`, and `recipient` where a person receives it;
`context` puts them together. No Django here: the helper processes import this too.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from templates import schema
from templates.errors import UnknownTemplate
from templates.schema import JsonObject, many, moment, number, record, text, word

MAIL = "mail"
WEBHOOK = "webhook"

PARTS: Mapping[str, tuple[str, ...]] = {MAIL: ("subject", "text", "html"), WEBHOOK: ("body",)}
"""The sources of a template, by channel."""

OPTIONAL_PARTS = frozenset({"html"})
"""May be empty: a mail without HTML of its own gets its text as paragraphs."""

CHANNELS = tuple(PARTS)

MAX_MAIL_TEXT_CHARS = 10_000

type Sources = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One set of data that a template must cope with.

    required: whether publishing is refused while it fails.
    """

    name: str
    title: str
    data: JsonObject
    required: bool = True


@dataclass(frozen=True, kw_only=True)
class EventType:
    """A kind of news.

    name: such as `mission.created`, fixed for good: webhook receivers see it.
    properties: what its data holds beside organization, actor and event.
    subject, lines: the default mail, as Liquid; each line becomes a paragraph.
    """

    name: str
    title: str
    properties: Mapping[str, JsonObject]
    subject: str
    lines: tuple[str, ...]

    def schema(self, channel: str) -> JsonObject:
        """JSON Schema (2020-12) of the data that a template of this channel sees."""
        recipient = {"recipient": RECIPIENT} if channel == MAIL else {}
        properties = {"event": EVENT, "organization": ORGANIZATION, **self.properties}
        whole = record(self.title, **properties, actor=ACTOR, **recipient)
        event = whole["properties"]["event"]
        typed = event["properties"] | {"type": word("Event type", self.name)}
        whole["properties"]["event"] = event | {"properties": typed}
        return whole

    def sample(self, channel: str) -> JsonObject:
        """Data as it usually is."""
        made: JsonObject = schema.example(self.schema(channel))
        return made

    def cases(self, channel: str) -> Iterator[Case]:
        """The sample, then the hard cases."""
        form, sample = self.schema(channel), self.sample(channel)
        texts = {
            "long": ("Very long text", schema.LONG),
            "right_to_left": ("Right to left", schema.RIGHT_TO_LEFT),
            "emoji": ("Emoji, markup, other scripts", schema.EMOJI),
        }
        yield Case(name="sample", title="Sample", data=sample)
        missing = schema.without_optional(form, sample)
        yield Case(name="missing", title="Everything optional missing", data=missing)
        for name, (title, replacement) in texts.items():
            yield Case(name=name, title=title, data=schema.with_text(form, sample, replacement))

    def default(self, channel: str) -> Sources:
        """The system default's sources."""
        if channel == MAIL:
            body = "\n\n".join((*self.lines, "— {{ organization.name }}"))
            paragraphs = "\n".join(f"<p>{line}</p>" for line in self.lines)
            return {"subject": self.subject, "text": body, "html": paragraphs}
        names = [name for name in self.schema(channel)["properties"] if name != "event"]
        envelope = {
            "type": "{{ event.type }}",
            "timestamp": "{{ event.occurred_at }}",
            "data": {name: {"$value": name} for name in names},
        }
        return {"body": json.dumps(envelope, indent=2)}


EVENT = record(
    "The event itself",
    id=number("Event id", 8123),
    type=word("Event type", "mission.created"),
    occurred_at=moment("When it happened", "2026-03-02T08:15:00+00:00"),
)
ORGANIZATION = record(
    "Your organization", id=number("Id", 7), name=text("Name", "Aurora Field Services")
)
PROJECT = record(
    "Project",
    id=number("Id", 31),
    code=word("Code", "NORTH"),
    name=text("Name", "Northern line"),
)
MISSION = record(
    "Mission",
    id=number("Id", 412),
    reference=word("Reference", "MSN-1042"),
    title=text("Title", "Replace the signal mast"),
    description=text("Description", "Bring the long ladder.", nullable=True),
    state=word("State", "planned"),
    starts_at=moment("Start", "2026-03-09T07:00:00+00:00", nullable=True),
    ends_at=moment("End", "2026-03-09T15:30:00+00:00", nullable=True),
)
ACTOR = record("Who did it", name=text("Name", "Robin Keller", personal=True))
RECIPIENT = record(
    "Who receives this mail", name=text("Name", "Dana Osei", personal=True, nullable=True)
)


def _person(title: str, name: str, email: str) -> JsonObject:
    return record(
        title,
        id=number("Id", 55),
        name=text("Name", name, personal=True),
        email=word("Mail address", email) | {"x-personal": True},
    )


ASSIGNMENT = record(
    "Assignment",
    id=number("Id", 93),
    role=text("Role in the mission", "Site lead", nullable=True),
    collaborator=_person("Who is assigned", "Dana Osei", "dana@aurora.example"),
)
ENTRY = record(
    "Timeline entry",
    id=number("Id", 1201),
    kind=word("Kind", "note"),
    title=text("Title", "Mast delivered"),
    starts_at=moment("Start", "2026-03-09T09:00:00+00:00"),
    ends_at=moment("End", "2026-03-09T10:00:00+00:00", nullable=True),
    location=text("Place", "Yard 3", nullable=True),
    notes=text("Notes", "Left behind the shed.", nullable=True),
)
IMPORT = record(
    "The import",
    id=word("Id", "01985a6e-3b1f-7c44-9d0e-2f6a1c7b5e90"),
    kind=word("What it holds", "timeline"),
    file_name=text("File name", "Site plan, week 11.xlsx"),
    added=number("Added", 240),
    changed=number("Changed", 12),
    unchanged=number("Left as they were", 1048),
    removed=number("Removed", 3),
    failed=number("Rows with errors", 2),
)
CHANGED = many("Names of the changed fields", word("Field", "starts_at"))

_ABOUT = {"project": PROJECT, "mission": MISSION}
_MISSION = "{{ mission.reference }} {{ mission.title }}"
_WHERE = "{{ mission.reference }} {{ mission.title }} ({{ project.name }})"
_WHEN = (
    "{% if mission.starts_at %}Starts {{ mission.starts_at | date }}"
    "{% if mission.ends_at %}, ends {{ mission.ends_at | date }}{% endif %}."
    "{% else %}Not scheduled yet.{% endif %}"
)
_ENTRY = (
    "{{ entry.title }}, {{ entry.starts_at | date }}"
    "{% if entry.location %}, {{ entry.location }}{% endif %}."
)
_CHANGES = (
    "{% if changed.size > 0 %}Changed: {{ changed | join: ', ' | replace: '_', ' ' }}.{% endif %}"
)
_ROLE = "{% if assignment.role %} as {{ assignment.role }}{% endif %}"


def _mission(verb: str, happened: str, *lines: str, **more: JsonObject) -> EventType:
    return EventType(
        name=f"mission.{verb}",
        title=f"Mission {verb}",
        properties=_ABOUT | more,
        subject=f"{_MISSION}: {happened}",
        lines=(f"{{{{ actor.name }}}} {happened} {_WHERE}.", *lines),
    )


def _assigned(verb: str, subject: str, *lines: str, **more: JsonObject) -> EventType:
    return EventType(
        name=f"assignment.{verb}",
        title=f"Assignment {verb}",
        properties=_ABOUT | {"assignment": ASSIGNMENT} | more,
        subject=subject,
        lines=(*lines, _WHEN),
    )


def _timeline(verb: str, happened: str) -> EventType:
    return EventType(
        name=f"timeline.entry_{verb}",
        title=f"Timeline entry {verb}",
        properties=_ABOUT | {"entry": ENTRY},
        subject=f"{_MISSION}: {{{{ entry.title }}}}",
        lines=(
            f"{{{{ actor.name }}}} {happened} the timeline of {_WHERE}.",
            _ENTRY,
            "{{ entry.notes | default: '' }}",
        ),
    )


EVENT_TYPES: Mapping[str, EventType] = {
    one.name: one
    for one in (
        _mission("created", "created", _WHEN, "{{ mission.description | default: '' }}"),
        _mission(
            "changed",
            "changed",
            _CHANGES,
            _WHEN,
            changed=CHANGED,
        ),
        _mission("completed", "completed", changed=CHANGED),
        _mission("cancelled", "cancelled", changed=CHANGED),
        _assigned(
            "created",
            f"{{{{ assignment.collaborator.name }}}} joins {_MISSION}",
            f"{{{{ assignment.collaborator.name }}}} is assigned to {_WHERE}{_ROLE}.",
        ),
        _assigned(
            "reassigned",
            f"{{{{ assignment.collaborator.name }}}} takes over {_MISSION}",
            f"{{{{ assignment.collaborator.name }}}} takes over from {{{{ previous.name }}}} "
            f"on {_WHERE}{_ROLE}.",
            previous=_person("Who was assigned before", "Noor Haddad", "noor@aurora.example"),
        ),
        _assigned(
            "removed",
            f"{{{{ assignment.collaborator.name }}}} leaves {_MISSION}",
            f"{{{{ assignment.collaborator.name }}}} is no longer assigned to {_WHERE}.",
        ),
        _timeline("added", "added to"),
        _timeline("changed", "changed"),
        EventType(
            name="import.completed",
            title="Import completed",
            properties={"import": IMPORT},
            subject="Imported: {{ import.file_name }}",
            lines=(
                "{{ actor.name }} imported {{ import.file_name }}.",
                "{{ import.added }} added, {{ import.changed }} changed, "
                "{{ import.removed }} removed, {{ import.unchanged }} as they were, "
                "{{ import.failed }} with errors.",
            ),
        ),
    )
}


def event_type(name: str) -> EventType:
    """Raises UnknownTemplate for one that is not in the catalogue."""
    try:
        return EVENT_TYPES[name]
    except KeyError:
        raise UnknownTemplate(
            f"There is no event type {name!r}; the catalogue has {', '.join(EVENT_TYPES)}."
        ) from None


def parts(channel: str) -> tuple[str, ...]:
    """The sources of this channel's templates. Raises UnknownTemplate."""
    if channel not in PARTS:
        raise UnknownTemplate(f"There is no channel {channel!r}; there are {', '.join(PARTS)}.")
    return PARTS[channel]


class Recorded(Protocol):
    """A row of `tenancy.models.DomainEvent`."""

    pk: Any
    event_type: str
    occurred_at: datetime
    data: Any


def context(event: Recorded, *, recipient_name: str | None = None) -> JsonObject:
    """What a template sees of a recorded event; `render` takes it as `data`."""
    return {
        **event.data,
        "event": {
            "id": event.pk,
            "type": event.event_type,
            "occurred_at": event.occurred_at.isoformat(),
        },
        "recipient": {"name": recipient_name},
    }


def visible(event_type_name: str, channel: str, data: Mapping[str, Any]) -> JsonObject:
    """The data as the schema has it: nothing more, and null for what an older event lacks.

    For a mail, texts beyond 10,000 characters are cut: nobody reads on, and no limit is met.
    """
    form = event_type(event_type_name).schema(channel)
    known = {name: data.get(name) for name in form["properties"]}
    whole: JsonObject = schema.complete(form, known)
    if channel == MAIL:
        whole = schema.transform(form, whole, lambda _, value: _cut(value))
    return whole


def _cut(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MAX_MAIL_TEXT_CHARS:
        return value[:MAX_MAIL_TEXT_CHARS] + "…"
    return value
