"""What the matrix shows: events × channels, and in each cell the organization's own templates."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from templates.breakage import first_error
from templates.catalogue import CHANNELS, EVENT_TYPES, EventType
from templates.errors import HelperUnavailable
from templates.models import NotificationTemplate, TemplateVersion, VersionState
from tenancy.models import Organization


@dataclass(frozen=True, kw_only=True)
class Own:
    """One own template of a cell.

    published, draft: version numbers; a draft only when it is newer than what is published.
    broken: whether the published one has errors against today's schema, so that the default is
    sent instead.
    """

    locale: str
    published: int | None
    draft: int | None
    broken: bool


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A channel of an event; the system default is sent where nothing is published for a reader."""

    channel: str
    own: list[Own]

    @property
    def has_general(self) -> bool:
        """Whether there is an own template for every language."""
        return any(not one.locale for one in self.own)


@dataclass(frozen=True, kw_only=True)
class Row:
    """An event type, with a cell for each channel."""

    event: EventType
    cells: list[Cell]


def matrix(organization: Organization) -> list[Row]:
    """All rows, in the catalogue's order; two queries."""
    own = _own(organization)
    return [
        Row(
            event=event,
            cells=[
                Cell(channel=channel, own=list(_summaries(own[event.name, channel])))
                for channel in CHANNELS
            ],
        )
        for event in EVENT_TYPES.values()
    ]


def _own(
    organization: Organization,
) -> dict[tuple[str, str], list[tuple[NotificationTemplate, list[TemplateVersion]]]]:
    templates = NotificationTemplate.objects.filter(organization_id=organization.pk)
    versions = defaultdict(list)
    rows = TemplateVersion.objects.filter(organization_id=organization.pk)
    for version in rows.select_related("template"):
        versions[version.template_id].append(version)
    found = defaultdict(list)
    for template in templates.order_by("locale"):
        found[template.event_type, template.channel].append((template, versions[template.pk]))
    return found


def _summaries(own: list[tuple[NotificationTemplate, list[TemplateVersion]]]) -> Iterator[Own]:
    for template, versions in own:
        by_number = sorted(versions, key=lambda version: -version.number)
        live = next((one for one in by_number if one.state == VersionState.PUBLISHED), None)
        newest = by_number[0] if by_number else None
        draft = newest if newest and newest.state == VersionState.DRAFT else None
        if live or draft:
            yield Own(
                locale=template.locale,
                published=live.number if live else None,
                draft=draft.number if draft else None,
                broken=live is not None and _is_broken(live),
            )


def _is_broken(version: TemplateVersion) -> bool:
    try:
        return bool(first_error(version))
    except HelperUnavailable:
        return False
