"""What the operations on queues answer."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from jobs.broker.messages import Control, Leased, MessageKey


@dataclass(frozen=True, kw_only=True)
class Fetched:
    messages: list[Leased]
    next_due: timedelta | None  # until a delayed message or a token comes; None: neither does


@dataclass(frozen=True, kw_only=True)
class Reaped:
    messages: list[tuple[MessageKey, int]]  # given back, with the leases it has lost by now
    next_end: timedelta | None  # until the next leases end; None: there is no consumer


@dataclass(frozen=True, kw_only=True)
class Depth:
    organization_id: int | None  # None: plain actors
    waiting: int
    oldest: timedelta | None  # age of the first waiting message; None: none waits
    ready: str = ""  # where in line that one stands; the next page begins behind it


@dataclass(frozen=True, kw_only=True)
class Totals:
    waiting: int
    delayed: int
    leased: int
    oldest: timedelta | None
    organizations: int  # with something waiting; plain actors count as one
    consumers: int  # with living leases


@dataclass(frozen=True, kw_only=True)
class Situation:
    """Everything in Redis that says why a message is not running."""

    place: Literal["waiting", "delayed", "leased", "unknown"]
    ahead: int  # messages of its own organization before it, if it waits
    delay: timedelta | None  # until it is due; None: it is not delayed
    consumer: str | None  # who holds it; None: it is not leased
    control: Control
    leased: int  # messages of its organization
    next_token: timedelta | None  # until the rate lets its organization start one; None: now
    owners_before: int  # organizations whose turn comes before that of its own
    estimate: timedelta | None  # mean run time of its kind; None: not known yet
    consumers: int  # workers that serve the group
