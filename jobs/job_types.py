"""Job types: what a kind of job is called, what it carries, and its policy, beside its actor.

    @job_type("search.index_mission", group="indexing", payload=IndexMission,
              policy=Policy(max_retries=12, backoff_base=timedelta(seconds=1), …),
              permission=Permission.MISSION_VIEW)
    def index_mission(run: Run[IndexMission]) -> None: ...

A declaration is checked when it is made: an impossible one stops the import, not the first job.
"""

import hashlib
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any, Literal, get_args

from django.conf import settings
from pydantic import BaseModel, ConfigDict, ValidationError

from jobs.errors import ImpossibleDeclaration, PayloadInvalid, UnknownJobType
from tenancy.access import Permission

GROUPS = ("notifications", "indexing", "backfill", "audit")
"""The queue groups that a worker can subscribe to."""

MOST_NAME_LENGTH = 64

Effect = Literal["database", "outside"]
WhenFull = Literal["hold", "refuse"]


class Payload(BaseModel):
    """The base of every payload: immutable, and nothing in it that is not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How often and when a job of a type is tried.

    max_retries: attempts after the first.
    backoff_base, backoff_cap: exponential backoff with full jitter, a wait between zero and
        min(cap, base × 2^(retry − 1)) ("Exponential Backoff And Jitter", AWS Architecture Blog,
        2015).
    delays: instead of a backoff, the wait before each retry, ± `jitter`; one per retry.
    jitter: the share by which a listed delay varies.
    time_limit: an attempt that runs longer is stopped, and fails.
    permanent: exceptions after which no retry is made.
    """

    max_retries: int
    time_limit: timedelta = timedelta(minutes=1)
    backoff_base: timedelta = timedelta(0)
    backoff_cap: timedelta = timedelta(0)
    delays: tuple[timedelta, ...] = ()
    jitter: float = 0.2
    permanent: tuple[type[Exception], ...] = ()

    def __post_init__(self) -> None:
        """Raise ImpossibleDeclaration for a policy that cannot be followed."""
        for name in ("time_limit", "backoff_base", "backoff_cap"):
            if not isinstance(getattr(self, name), timedelta):
                raise ImpossibleDeclaration(
                    f"{name} is {getattr(self, name)!r}: give a timedelta, or leave it out"
                )
        checks = {
            "max_retries must not be negative": self.max_retries >= 0,
            "time_limit must be positive": self.time_limit > timedelta(0),
            "give either delays or backoff_base, not both": not (self.delays and self.backoff_base),
            "waits must not be negative": min(
                self.backoff_base, self.backoff_cap, *self.delays, timedelta(0)
            )
            >= timedelta(0),
            "delays must name one wait per retry": not self.delays
            or len(self.delays) == self.max_retries,
            "retries need backoff_base or delays": not self.max_retries
            or bool(self.delays or self.backoff_base),
            "backoff_cap must be at least backoff_base": self.backoff_cap >= self.backoff_base,
            "jitter must lie between 0 and 1": 0 <= self.jitter <= 1,
        }
        broken = [rule for rule, holds in checks.items() if not holds]
        if broken:
            raise ImpossibleDeclaration(f"{self}: {'; '.join(broken)}")

    @property
    def max_attempts(self) -> int:
        """Executions in all, the first included."""
        return self.max_retries + 1

    @cached_property
    def version(self) -> str:
        """Changes whenever the policy does; jobs carry the one that they were tried under."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:12]

    def delay_before(self, retry: int) -> timedelta:
        """How long to wait before this retry (1 is the first), drawn anew at each call.

        The setting JOBS_RETRY_SCALE shortens all waits, for tests and the demo.
        """
        if self.delays:
            listed = self.delays[min(retry, len(self.delays)) - 1]
            wait = listed * random.uniform(1 - self.jitter, 1 + self.jitter)  # noqa: S311
        else:
            # Dividing the cap, because the base times a large power is no timedelta any more.
            power = 2 ** min(retry - 1, 63)
            is_capped = self.backoff_base > self.backoff_cap / power
            ceiling = self.backoff_cap if is_capped else self.backoff_base * power
            wait = ceiling * random.random()  # noqa: S311 - no secret
        return wait * settings.JOBS_RETRY_SCALE


@dataclass(frozen=True, kw_only=True)
class BreakerPolicy:
    """When a destination that fails gets a rest; see `jobs.ledger.breakers`.

    outages: exceptions that say that the destination is out of order. Not those that are the fault
        of one job: they would hold the others for nothing.
    failures: how many in a row open it. open_for: how long, at first; twice as long each time that
        the job which tries fails too, up to `longest`. JOBS_RETRY_SCALE shortens these waits too.
    """

    outages: tuple[type[BaseException], ...]
    failures: int = 10
    open_for: timedelta = timedelta(seconds=30)
    longest: timedelta = timedelta(hours=1)

    def __post_init__(self) -> None:
        """Raise ImpossibleDeclaration for a breaker that could not work."""
        if not self.outages or self.failures < 1:
            raise ImpossibleDeclaration(
                f"{self}: a breaker needs the exceptions that are outages, and at least one failure"
            )
        if not timedelta(0) < self.open_for <= self.longest:
            raise ImpossibleDeclaration(f"{self}: open_for must lie between zero and longest")


@dataclass(frozen=True, kw_only=True)
class JobType[P: Payload]:
    """A kind of job.

    name: `family.verb`. group: the queue group whose workers run it.
    payload: its schema. permission: what the actor behind a job must hold when it runs.
    effect: "database" runs the actor inside the transaction that settles the job, so that it
        happens exactly once; "outside" runs it outside any, for effects that no transaction covers.
    when_full: what becomes of a new job when its organization's queue has no room. "hold" keeps it
        in the ledger until there is; "refuse" raises QueueFull, for callers that can wait.
    discriminator: tells jobs of one entity and one correlation_id apart, as part of their
        idempotency key.
    breaker: when its jobs are held because what they need is out of order; None: never.
    destination: what each job needs, such as an endpoint, where not all need the same.
    perform: the actor. on_dead: called with the job (its `organization_id` and `payload`) and the
        reason, in the transaction that makes it dead or cancels it.
    """

    name: str
    group: str
    payload: type[P]
    policy: Policy
    permission: Permission
    perform: Callable[[Any], None]
    effect: Effect = "database"
    when_full: WhenFull = "hold"
    discriminator: Callable[[P], str] = field(default=lambda _: "")
    on_dead: Callable[[Any, str], None] | None = None
    breaker: BreakerPolicy | None = None
    destination: Callable[[P], str] = field(default=lambda _: "")

    def __post_init__(self) -> None:
        """Raise ImpossibleDeclaration for what could never run."""
        if not re.fullmatch(r"[a-z]+\.[a-z_]+", self.name):
            raise ImpossibleDeclaration(f"{self.name!r}: a job type is called `family.verb`")
        if len(self.name) > MOST_NAME_LENGTH:
            raise ImpossibleDeclaration(
                f"{self.name!r} is too long: the ledger keeps {MOST_NAME_LENGTH} characters"
            )
        if self.when_full not in get_args(WhenFull):
            raise ImpossibleDeclaration(
                f"{self.name}: when_full is {self.when_full!r}; give 'hold' or 'refuse'"
            )
        if self.group not in GROUPS:
            raise ImpossibleDeclaration(
                f"{self.name}: no worker serves group {self.group!r}; there are {', '.join(GROUPS)}"
            )

    @property
    def family(self) -> str:
        """The part of the name before the dot."""
        return self.name.partition(".")[0]

    def read(self, payload: Any) -> P:
        """The payload of a ledger row, checked. Raises PayloadInvalid."""
        try:
            return self.payload.model_validate(payload)
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()
            )
            raise PayloadInvalid(self.name, problems) from error


class Registry:
    """All job types that are declared, by name."""

    def __init__(self) -> None:
        self._types: dict[str, JobType[Any]] = {}
        self._listeners: list[Callable[[JobType[Any]], None]] = []

    def __iter__(self) -> Iterator[JobType[Any]]:
        return iter(self._types.values())

    def add(self, declared: JobType[Any]) -> None:
        """Raise ImpossibleDeclaration for a name that is taken."""
        if declared.name in self._types:
            raise ImpossibleDeclaration(f"Two job types are called {declared.name!r}")
        self._types[declared.name] = declared
        for listener in self._listeners:
            listener(declared)

    def for_each(self, listener: Callable[[JobType[Any]], None]) -> None:
        """Call `listener` with every job type, and with each that is declared later."""
        for declared in self:
            listener(declared)
        self._listeners.append(listener)

    def remove(self, name: str) -> None:
        """Take a job type back; for tests that declare their own."""
        del self._types[name]

    def tell_of_end(self, name: str, job: Any, reason: str) -> None:
        """Call `on_dead` of a job's type, where the type is known and wants it."""
        known = self._types.get(name)
        if known is not None and known.on_dead is not None:
            known.on_dead(job, reason)

    def get(self, name: str) -> JobType[Any]:
        """Raise UnknownJobType where there is none."""
        try:
            return self._types[name]
        except KeyError:
            raise UnknownJobType(name) from None


registry = Registry()


def job_type[P: Payload](
    name: str, *, payload: type[P], **declaration: Any
) -> Callable[[Callable[[Any], None]], JobType[P]]:
    """Declare the function below as the actor of a job type; see `JobType` for the fields.

    Raises ImpossibleDeclaration, at import.
    """

    def declare(perform: Callable[[Any], None]) -> JobType[P]:
        declared = JobType(name=name, payload=payload, perform=perform, **declaration)
        registry.add(declared)
        return declared

    return declare
