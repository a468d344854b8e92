"""What is removed from the ledger, and when: so that it stays as large as the work, not as old.

    succeeded jobs        JOBS_KEEP_SUCCEEDED_DAYS after they ended, with their attempts
    cancelled jobs        JOBS_KEEP_CANCELLED_DAYS after they ended, with their handled dead letters
    idempotency keys      JOBS_KEEP_KEYS_DAYS after they were made, and not before their job
    dead letters          of messages that named no job: as cancelled jobs, once handled
    workers               KEEP_WORKERS after their last sign of life

Dead jobs and open dead letters stay until a person has handled them, and what waits or runs stays.

A step removes at most BATCH rows in a transaction of its own, and a tick ends after TICK: nobody
waits for it, and vacuum follows close behind. The walks over jobs and keys go on where the last
tick ended and begin anew after REST: what has to stay is not looked at again and again.
"""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction

from jobs.ledger.statements import run
from tenancy.scope import engine_scope

log = structlog.get_logger(__name__)

BATCH = 500
TICK = timedelta(milliseconds=500)
REST = timedelta(hours=1)
KEEP_WORKERS = timedelta(days=7)


@dataclass(kw_only=True)
class Walk:
    """Once over a table in the order of its ids, a page at a time.

    statement: removes what is over among the next page. first: an id before all others.
    """

    statement: str
    first: uuid.UUID | int
    keep: Callable[[], dict[str, timedelta]]

    def __post_init__(self) -> None:
        """Begin at the beginning, at once."""
        self.after: Any = self.first
        self.rests_until = 0.0

    def step(self) -> int | None:
        """Remove what is over in one page; how many that were, None at the end of the walk."""
        if time.monotonic() < self.rests_until:
            return None
        [page] = _run(self.statement, after=self.after, limit=BATCH, **self.keep())
        if page["looked_at"] < BATCH:
            self.after = self.first
            self.rests_until = time.monotonic() + REST.total_seconds()
        else:
            self.after = page["last"]
        return int(page["removed"])


class Retention:
    """The work of one scheduler, with the places where its walks have got to."""

    def __init__(self) -> None:
        self._jobs = Walk(
            statement="remove_finished",
            first=uuid.UUID(int=0),
            keep=lambda: {
                "keep_succeeded": timedelta(days=settings.JOBS_KEEP_SUCCEEDED_DAYS),
                "keep_cancelled": timedelta(days=settings.JOBS_KEEP_CANCELLED_DAYS),
            },
        )
        self._keys = Walk(
            statement="remove_keys",
            first=0,
            keep=lambda: {"keep": timedelta(days=settings.JOBS_KEEP_KEYS_DAYS)},
        )

    def tick(self) -> int:
        """Remove what is over, for TICK at most; returns how many rows of all tables went."""
        until = time.monotonic() + TICK.total_seconds()
        removed = _remove_letters() + _remove_workers()
        for walk in (self._jobs, self._keys):
            while (gone := walk.step()) is not None:
                removed += gone
                if time.monotonic() > until:
                    break
        if removed:
            log.info("jobs_removed", rows=removed)
        return removed


def _remove_letters() -> int:
    keep = timedelta(days=settings.JOBS_KEEP_CANCELLED_DAYS)
    return len(_run("remove_letters", limit=BATCH, keep=keep))


def _remove_workers() -> int:
    return len(_run("remove_workers", keep=KEEP_WORKERS))


def _run(statement: str, **parameters: Any) -> list[dict[str, Any]]:
    with engine_scope(), transaction.atomic():
        return run(statement, parameters)
