"""The lines of the page Queues: what waits, from Redis; what is set and what runs, from PostgreSQL.

A page costs at most a command of Redis for each of its lines and a few queries, however many
organizations there are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Q

from jobs.broker.answers import Depth
from jobs.broker.errors import BrokerUnavailable
from jobs.control.words import in_words, state_of
from jobs.job_types import GROUPS
from jobs.ledger.controls import QueueControl
from jobs.ledger.publish import queues
from jobs.ledger.states import State
from jobs.models import Job
from tenancy.admin.times import span
from tenancy.models import SITE_ORGANIZATION_ID, Organization

ROWS = 50
MOST_DIGITS = 18  # of an id
FOUND = 8  # of a search: each asks Redis once


@dataclass(frozen=True, kw_only=True)
class Line:
    """One organization's queue of one group. waiting: None while Redis does not say."""

    organization: Organization
    group: str
    waiting: int | None
    oldest: timedelta | None
    running: int
    control: QueueControl | None

    @property
    def age(self) -> str:
        """How long its oldest waits."""
        return span(self.oldest) if self.oldest is not None else "–"

    @property
    def state(self) -> str:
        """Open, paused, draining."""
        return state_of(self.control)

    @property
    def set_on_it(self) -> str:
        """The rest of what an operator set."""
        return ", ".join(in_words(self.control))


@dataclass(frozen=True, kw_only=True)
class Page:
    """Lines, and where the next page begins; empty where there is none."""

    lines: list[Line]
    after: str = ""


def waiting(group: str, after: str = "") -> Page:
    """Those whose oldest job waits longest. Raises BrokerUnavailable."""
    found = queues().depths(group, limit=ROWS, after=_place(after))
    lines = _lines(group, [one for one in found if one.organization_id is not None])
    last = found[-1] if len(found) == ROWS else None
    return Page(lines=lines, after=f"{last.ready}~{last.organization_id or ''}" if last else "")


def controlled(group: str, after: str = "") -> Page:
    """Those on whom something is set, the newest first."""
    rows = QueueControl.objects.filter(queue_group=group).in_force().order_by("-pk")
    if after.isdecimal():
        rows = rows.filter(pk__lt=int(after))
    found = list(rows[:ROWS])
    depths = [_depth(group, one.organization_id) for one in found]
    return Page(lines=_lines(group, depths), after=str(found[-1].pk) if len(found) == ROWS else "")


def matching(group: str, term: str) -> Page:
    """Those whose name or slug begins so, or whose id it is."""
    begins = Q(name__istartswith=term) | Q(slug__istartswith=term)
    if term.isdecimal() and len(term) <= MOST_DIGITS:
        begins |= Q(pk=int(term))
    found = (
        Organization.objects.filter(begins)
        .exclude(pk=SITE_ORGANIZATION_ID)
        .order_by("name")[:FOUND]
    )
    return Page(lines=_lines(group, [_depth(group, one.pk) for one in found]))


def of_organization(organization: Organization) -> list[Line]:
    """Its queue in every group."""
    return [line for group in GROUPS for line in _lines(group, [_depth(group, organization.pk)])]


def _depth(group: str, organization_id: int) -> Depth:
    try:
        return queues().depth(group, organization_id)
    except BrokerUnavailable:
        return Depth(organization_id=organization_id, waiting=-1, oldest=None)


def _lines(group: str, depths: Sequence[Depth]) -> list[Line]:
    ids = [one.organization_id for one in depths if one.organization_id is not None]
    organizations = Organization.objects.in_bulk(ids)
    controls = QueueControl.objects.filter(queue_group=group, organization_id__in=ids)
    control_of = {one.organization_id: one for one in controls}
    running = _running(group, ids)
    return [
        Line(
            organization=organizations[key],
            group=group,
            waiting=one.waiting if one.waiting >= 0 else None,
            oldest=one.oldest,
            running=running.get(key, 0),
            control=control_of.get(key),
        )
        for one in depths
        # A queue in Redis may bear the name of an organization that there is not.
        if (key := one.organization_id) is not None and key in organizations
    ]


def _running(group: str, organization_ids: Iterable[int]) -> dict[int, int]:
    rows = Job.objects.filter(
        organization_id__in=organization_ids, queue_group=group, state=State.RUNNING
    )
    counted = rows.order_by().values_list("organization_id").annotate(count=Count("pk"))
    return dict(counted)


def _place(after: str) -> Depth | None:
    ready, _, organization_id = after.partition("~")
    if not ready.replace(".", "").isdecimal():
        return None
    known = int(organization_id) if organization_id.isdecimal() else None
    return Depth(organization_id=known, waiting=0, oldest=None, ready=ready)
