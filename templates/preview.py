"""What the editor shows: the message as it would be sent, for samples, hard cases and real events.

Data in, data out: nothing here draws a page. Personal data of real events is masked before it
reaches a template, so it is in no part of what comes out.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from templates import catalogue, schema, validate
from templates.analysis import Problem
from templates.catalogue import Case, Recorded
from templates.composition import Message, Options
from templates.errors import BudgetExceeded, RenderingFailed
from tenancy.models import DomainEvent

RECENT_EVENTS = 3


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One case, rendered: either a message or what went wrong."""

    case: Case
    message: Message | None = None
    failure: str = ""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One case, rendered by two versions."""

    case: Case
    old: Shown
    new: Shown

    @property
    def differs(self) -> bool:
        """Whether a reader would notice."""
        return (self.old.message, self.old.failure) != (self.new.message, self.new.failure)


@dataclass(frozen=True, kw_only=True)
class Preview:
    """Problems of the sources, and every case as it would be sent."""

    problems: list[Problem]
    shown: list[Shown]

    def named(self, name: str) -> Shown:
        """The case of this name, or else the first."""
        return next((one for one in self.shown if one.case.name == name), self.shown[0])


def preview(
    event_type: str,
    channel: str,
    sources: catalogue.Sources,
    options: Options,
    *,
    events: Sequence[Recorded] = (),
) -> Preview:
    """All there is to see. events: real ones of this type, shown with personal data masked.

    Raises UnknownTemplate, and HelperUnavailable when nothing can be rendered now.
    """
    problems = validate.check(event_type, channel, sources)
    cases = cases_of(event_type, channel, events)
    shown = list(show_all(channel, sources, cases, options))
    if not any(problem.severity == "error" for problem in problems):
        problems += [
            Problem(severity="error", part="", message=one.failure, case=one.case.name)
            for one in shown
            if one.failure and one.case.required
        ]
    return Preview(problems=problems, shown=shown)


def compare(
    event_type: str,
    channel: str,
    old: catalogue.Sources,
    new: catalogue.Sources,
    options: Options,
    *,
    events: Sequence[Recorded] = (),
) -> list[Compared]:
    """Every case rendered by two versions, for a look before publishing."""
    cases = list(cases_of(event_type, channel, events))
    both = zip(
        show_all(channel, old, cases, options), show_all(channel, new, cases, options), strict=True
    )
    return [Compared(case=before.case, old=before, new=after) for before, after in both]


def show_all(
    channel: str, sources: catalogue.Sources, cases: Iterable[Case], options: Options
) -> Iterator[Shown]:
    """Every case, rendered in a helper process; none after one that used up a whole budget.

    Each would cost another second of processor time, and one person's page must not cost others
    theirs.
    """
    spent = ""
    for case in cases:
        if spent:
            yield Shown(case=case, failure=f"Not tried, after another sample: {spent}")
            continue
        try:
            yield Shown(case=case, message=validate.attempt(channel, sources, case.data, options))
        except BudgetExceeded as error:
            spent = str(error)
            yield Shown(case=case, failure=spent)
        except RenderingFailed as error:
            yield Shown(case=case, failure=str(error))


def cases_of(event_type: str, channel: str, events: Iterable[Recorded]) -> Iterator[Case]:
    """The cases of the catalogue, then real events, masked; these need not render to publish."""
    event = catalogue.event_type(event_type)
    yield from event.cases(channel)
    form = event.schema(channel)
    for one in events:
        data = catalogue.visible(event_type, channel, catalogue.context(one))
        moment = one.occurred_at.strftime("%Y-%m-%d %H:%M UTC")
        yield Case(
            name=f"event-{one.pk}",
            title=f"Real event of {moment}",
            data=schema.masked(form, data),
            required=False,
        )


def recent_events(organization_id: int, event_type: str) -> list[DomainEvent]:
    """The organization's last few events of a type, newest first."""
    events = DomainEvent.objects.filter(organization_id=organization_id, event_type=event_type)
    return list(events.order_by("-id")[:RECENT_EVENTS])
