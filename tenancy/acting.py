"""Who acts, through what, because of which request: what audit events, jobs and log lines repeat.

A context variable set once where work begins (a request, a command, a job) and read by whatever
records something. Nothing here decides what the actor may do; that is `tenancy.access`.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Literal, Self, cast

from django.conf import settings

Kind = Literal["user", "service", "system", "operator"]
Source = Literal["web", "api", "admin", "worker", "command"]


@dataclass(frozen=True)
class Actor:
    """A person or service behind a change; `str(actor)` is the `actor_id` of logs and records."""

    kind: Kind
    id: int | None = None

    @classmethod
    def user(cls, user_id: int) -> Self:
        """A signed-in member of organizations."""
        return cls("user", user_id)

    @classmethod
    def operator(cls, user_id: int) -> Self:
        """A signed-in operator of the whole site."""
        return cls("operator", user_id)

    @classmethod
    def service(cls, account_id: int) -> Self:
        """A service account of one organization."""
        return cls("service", account_id)

    @classmethod
    def system(cls) -> Self:
        """The platform itself, for work that no person is behind."""
        return cls("system")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` wrote. Raises ValueError for anything else."""
        kind, _, number = text.partition(":")
        if kind == "system" and not number:
            return cls("system")
        is_id = number.isdecimal() and len(number) < 19  # a bigint, to PostgreSQL
        if kind in ("user", "service", "operator") and is_id:
            return cls(kind, int(number))  # type: ignore[arg-type]
        raise ValueError(
            f"{text!r} names no actor; expected system, user:7, service:7 or operator:7"
        )

    def __str__(self) -> str:
        return self.kind if self.id is None else f"{self.kind}:{self.id}"


@dataclass(frozen=True, kw_only=True)
class Acting:
    """One piece of work under way.

    actor: who is behind it.
    source: which door it came through.
    correlation_id: ties everything it causes together, across processes.
    job_id: the job that is running, in a worker.
    reason: why, in the words of the person who was asked for it.
    """

    actor: Actor
    source: Source
    correlation_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    job_id: str | None = None
    reason: str = ""

    @property
    def is_platform(self) -> bool:
        """Whether the platform itself acts: an operator, or a command or scheduler of ours."""
        if self.actor.kind == "operator":
            return True
        return self.actor.kind == "system" and self.source == "command"


MAX_CORRELATION_ID = 128

_acting: ContextVar[Acting | None] = ContextVar("tenancy_acting", default=None)


def current() -> Acting:
    """Who acts now; where nobody said, the system, through the kind of process that this is.

    So in a web or worker process code that forgot to say is not taken for the platform.
    """
    return _acting.get() or Acting(actor=Actor.system(), source=cast("Source", settings.PROCESS))


@contextmanager
def acting(
    actor: Actor,
    *,
    source: Source,
    correlation_id: str | None = None,
    job_id: str | None = None,
) -> Iterator[Acting]:
    """Name who acts in this block.

    Without a correlation_id the outer one goes on, or a new one. One that came from outside is cut
    to 128 printable characters.
    """
    outer = _acting.get()
    inherited = _clean(correlation_id) or (outer.correlation_id if outer else str(uuid.uuid4()))
    inner = Acting(actor=actor, source=source, correlation_id=inherited, job_id=job_id)
    with _set(inner):
        yield inner


@contextmanager
def one_act() -> Iterator[Acting]:
    """Give all that happens in this block one correlation_id, also where nobody said who acts."""
    now = current()
    with _set(now):
        yield now


@contextmanager
def because(reason: str) -> Iterator[Acting]:
    """Keep this reason with every audit event that is recorded inside the block."""
    now = replace(current(), reason=reason)
    with _set(now):
        yield now


@contextmanager
def _set(inner: Acting) -> Iterator[None]:
    token = _acting.set(inner)
    try:
        yield
    finally:
        _acting.reset(token)


def _clean(correlation_id: str | None) -> str:
    return "".join(filter(str.isprintable, correlation_id or ""))[:MAX_CORRELATION_ID]
