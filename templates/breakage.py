"""Published templates that today's catalogue would break: found before a release, not by readers.

A version was free of errors when it was published. It has some now if the schema of its event lost
or renamed a variable since, or the event type is gone; the system default is sent instead.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from templates import validate
from templates.errors import UnknownTemplate
from templates.models import TemplateVersion, VersionState


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A published version that cannot be rendered any more, and its first error."""

    organization_id: int
    event_type: str
    channel: str
    locale: str
    version: int
    problem: str

    def as_dict(self) -> dict[str, Any]:
        """For a table or for JSON."""
        return asdict(self)


def first_error(version: TemplateVersion) -> str:
    """What is wrong with a version, in a sentence, or "". Raises HelperUnavailable."""
    template = version.template
    try:
        found = validate.check(template.event_type, template.channel, version.sources)
    except UnknownTemplate as error:
        return str(error)
    errors = (problem for problem in found if problem.severity == "error")
    return next((f"{one.part} line {one.line}: {one.message}" for one in errors), "")


def broken() -> Iterator[Broken]:
    """All broken ones of the organizations in scope. Raises HelperUnavailable."""
    published = TemplateVersion.objects.filter(state=VersionState.PUBLISHED)
    for version in published.select_related("template").order_by("organization_id", "id"):
        if problem := first_error(version):
            yield Broken(
                organization_id=version.organization_id,
                event_type=version.template.event_type,
                channel=version.template.channel,
                locale=version.template.locale,
                version=version.number,
                problem=problem,
            )
