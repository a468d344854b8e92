"""Compare the ledger and Redis, both ways, and mend what differs.

Each difference has a kind, a sentence that explains it, how many there are, the first few of them,
and what was mended. Reads a page at a time, so that memory does not grow with the queues; what
changes meanwhile can look like a difference once, and is not one the next time. Mending never
runs a job twice: a message too many finds its job finished, and one that a worker has is left.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from typing import Any, Final

import structlog
from django.db import transaction

from jobs.broker.messages import MessageKey
from jobs.execution.leases import lease
from jobs.job_types import GROUPS
from jobs.ledger import relay
from jobs.ledger.publish import put_in_line, queues
from jobs.ledger.statements import run
from tenancy.models import Organization
from tenancy.scope import engine_scope

log = structlog.get_logger(__name__)

EXAMPLES = 5
ORGANIZATIONS = 100  # whose messages are read in one round trip
DONE: Final = object()
MOST = 10_000  # of one kind among the rows of the ledger, in one go
PATIENCE = timedelta(minutes=1)

KINDS = {
    "lost": "Due for a minute, and Redis has no message of it: put back in line.",
    "left_over": "Redis has a message of it, and it is finished, held or of nobody: taken out.",
    "unpublished": "Queued, and not yet seen in Redis after a minute: is the scheduler running?",
    "without_worker": "Its worker is gone: it runs again when its message comes back.",
    "dead_without_letter": "Dead without an open dead letter, so nobody sees it: given one.",
    "behind_no_breaker": "Waits for a breaker that is no more: it goes on.",
}


@dataclass(kw_only=True)
class Difference:
    """One kind of difference between ledger and Redis.

    count: how many. mended: how many of them were. examples: the ids of the first few.
    """

    kind: str
    count: int = 0
    mended: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """What it is, and how it is mended."""
        return KINDS[self.kind]

    def add(self, ids: Iterable[Any]) -> None:
        """More of it."""
        for one in ids:
            self.count += 1
            if len(self.examples) < EXAMPLES:
                self.examples.append(str(one))


def check(*, repair: bool = False) -> list[Difference]:
    """Everything that differs, and with `repair` what could be mended. Raises BrokerUnavailable."""
    found = {kind: Difference(kind=kind) for kind in KINDS}
    for part in (_ledger_to_redis, _within_the_ledger, _redis_to_ledger):
        for _ in part(found, repair):
            pass
    return [one for one in found.values() if one.count]


class Watch:
    """The same for the scheduler: a slice at each tick, round after round, and mends nothing.

    What the sweep puts back anyway is left to it. A slice is one round trip to Redis and one
    statement, so the relay waits for neither.
    """

    def __init__(self) -> None:
        self._found: dict[str, Difference] = {}
        self._slices: Iterator[None] | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether a round has begun and is not over."""
        return self._slices is not None

    def tick(self) -> None:
        """Do one slice, and after the last one tell what differs."""
        if self._slices is None:
            self._found = {kind: Difference(kind=kind) for kind in KINDS}
            self._slices = chain(
                _within_the_ledger(self._found, False), _redis_to_ledger(self._found, False)
            )
        slices, self._slices = self._slices, None  # after an error a new round begins
        if next(slices, DONE) is not DONE:
            self._slices = slices
        elif counts := {kind: one.count for kind, one in self._found.items() if one.count}:
            log.warning("ledger_differs", **counts)


def _ledger_to_redis(found: dict[str, Difference], repair: bool) -> Iterator[None]:
    for jobs in relay.lost():
        found["lost"].add(job.job_id for job in jobs)
        if repair:
            found["lost"].mended += put_in_line(jobs)
        yield


def _within_the_ledger(found: dict[str, Difference], repair: bool) -> Iterator[None]:
    refs: dict[str, dict[str, list[Any]]] = defaultdict(
        lambda: {"organization_ids": [], "job_ids": []}
    )
    with engine_scope(), transaction.atomic():
        for row in run("misfits", {"limit": MOST, "patience": PATIENCE, "lease": lease()}):
            found[row["kind"]].add([row["id"]])
            refs[row["kind"]]["organization_ids"].append(row["organization_id"])
            refs[row["kind"]]["job_ids"].append(row["id"])
        if repair:
            letters = run("mend_letters", refs["dead_without_letter"] | {"fingerprint": "mended"})
            found["dead_without_letter"].mended = len(letters)
            gone_on = run("mend_holds", refs["behind_no_breaker"])
            found["behind_no_breaker"].mended = len(gone_on)
    if repair and found["unpublished"].count:
        found["unpublished"].mended = relay.publish_due()
    yield


def _redis_to_ledger(found: dict[str, Difference], repair: bool) -> Iterator[None]:
    extra = found["left_over"]
    for organization_ids in _organizations():
        for group in GROUPS:
            for page in queues().pages(group, organization_ids):
                wrong = _of_no_job(group, page)
                yield
                if not wrong:
                    continue
                # Looked at twice: a worker notes the end of a job first, and then tells Redis.
                wrong = _of_no_job(group, queues().known(group, wrong))
                extra.add(key.message_id for key in wrong)
                if repair:
                    extra.mended += sum(_take_out(group, key) for key in wrong)


def _organizations() -> Iterator[list[int]]:
    after = 0
    while True:
        with engine_scope(), transaction.atomic():
            rest = Organization.objects.filter(pk__gt=after).order_by("pk")
            page = list(rest.values_list("pk", flat=True)[:ORGANIZATIONS])
        if not page:
            return
        yield page
        after = page[-1]


def _of_no_job(group: str, messages: Iterable[MessageKey]) -> list[MessageKey]:
    """Those that stand in Redis for nothing that waits or runs there."""
    named = {key: _uuid(key.message_id) for key in messages}
    if not named:
        return []
    jobs = [(key.organization_id, job_id) for key, job_id in named.items() if job_id]
    pairs = {
        "organization_ids": [organization_id for organization_id, _ in jobs],
        "job_ids": [job_id for _, job_id in jobs],
    }
    with engine_scope(), transaction.atomic():
        rows = run("not_in_line", {**pairs, "queue_group": group})
    foreign = {(row["organization_id"], row["id"]) for row in rows}
    return [
        key
        for key, job_id in named.items()
        if job_id is None or (key.organization_id, job_id) in foreign
    ]


def _take_out(group: str, key: MessageKey) -> int:
    return len(queues().remove(group, key.organization_id, [key.message_id]))


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
