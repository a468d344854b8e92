"""A message on its way: in, leased, and what becomes of it."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, NamedTuple

from dramatiq import Message, MessageProxy


class MessageKey(NamedTuple):
    """What names one message inside a group.

    Both parts: a forged message may carry the id of another organization's job.
    """

    organization_id: int | None  # None: a plain actor's message
    message_id: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One message on its way into a queue."""

    organization_id: int | None  # None: a plain actor's message, of no organization
    group: str
    message_id: str
    body: bytes  # the encoded Dramatiq message; empty for a job, whose kind and id say it all
    kind: str = ""  # what run times are compared by: the actor's name, the job's type
    delay: timedelta = timedelta(0)  # longer than zero: stands among the delayed ones first

    @property
    def key(self) -> MessageKey:
        return MessageKey(self.organization_id, self.message_id)


class Leased(NamedTuple):
    """One message that a consumer holds until it settles it or its leases end."""

    key: MessageKey  # of Redis, never from the body
    group: str
    body: bytes
    deliveries: int  # how many leases on it were lost before this one
    stamp: str = ""  # tells this lease from an earlier one of the same consumer
    kind: str = ""  # as in its entry

    @property
    def organization_id(self) -> int | None:
        return self.key.organization_id

    @property
    def message_id(self) -> str:
        return self.key.message_id


@dataclass(frozen=True, kw_only=True)
class Ack:
    """The message is done with: forget it."""

    ran: timedelta | None = None  # worker time it took; the consumer fills it in


@dataclass(frozen=True, kw_only=True)
class RetryAfter:
    """The message comes back after a delay."""

    delay: timedelta = timedelta(0)
    body: bytes | None = None  # None: the body stays as it is
    ran: timedelta | None = None  # worker time it took; the consumer fills it in


@dataclass(frozen=True, kw_only=True)
class Release:
    """The message was not started: back to the place it was taken from, uncounted."""


Disposition = Ack | RetryAfter | Release


class Settlement(NamedTuple):
    """How one lease ends."""

    key: MessageKey
    disposition: Disposition
    stamp: str = ""  # of the lease that is meant; empty: whichever the consumer holds


class GroupMessage(MessageProxy):
    """A leased message in the hands of Dramatiq's worker.

    Whoever runs it may set `disposition` before Dramatiq acknowledges it, or a future of one, and
    take the next message meanwhile; without one, an acknowledged message is forgotten and a
    rejected one is poison.
    """

    def __init__(self, message: Message[Any], leased: Leased) -> None:
        super().__init__(message)
        # Dramatiq reads them some twenty times a message, and would look each up by a function.
        vars(self).update(vars(message))
        self.key, self.group, self.body, self.deliveries, self.stamp, _ = leased
        self.organization_id = leased.key.organization_id
        self.started: float | None = None  # monotonic; when its worker thread began
        self.disposition: Disposition | Future[Disposition] | None = None
        self.claim: Any = None  # left here by whoever claims fetched messages (`on_fetched`)

    @property
    def exception(self) -> BaseException | None:
        """What its actor raised, until Dramatiq clears it."""
        return self._exception


@dataclass(frozen=True, kw_only=True)
class Control:
    """What one organization may take of one group; the default is no control at all."""

    weight: float = 1.0  # its share of worker time, against 1 of the others
    limit: int | None = None  # messages leased at once, across all workers
    rate: float | None = None  # starts per second
    burst: int | None = None  # starts saved up at most; None: as many as a second brings, or 1
    is_paused: bool = False

    def __post_init__(self) -> None:
        _within("weight", self.weight, 0.001, 1_000)
        _within("limit", self.limit, 1, 1_000_000)
        _within("rate", self.rate, 0.000_001, 1_000_000)
        _within("burst", self.burst, 1, 1_000_000)


def _within(name: str, value: float | None, least: float, most: float) -> None:
    if value is not None and not least <= value <= most:
        raise ValueError(
            f"{name} is {value}, and must lie between {least} and {most}; pause a queue that "
            "should take nothing at all."
        )


@dataclass(frozen=True, kw_only=True)
class Poison:
    """A message that needs a person: nothing here can run it, or will run it again."""

    organization_id: int | None  # from the Redis key
    group: str
    reason: Literal["undecodable", "unknown_job_type", "retries_exhausted", "permanent_error"]
    message_id: str  # from Redis; the bytes may say something else
    raw: bytes
    message: Message[Any] | None  # None: the bytes could not be decoded
    exception: BaseException | None


PoisonHook = Callable[[Poison], object]
MessagesHook = Callable[[list[GroupMessage]], object]
