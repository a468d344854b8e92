"""Compare the ledger and Redis, both ways, and mend what differs.

Each difference has a kind, a sentence that explains it, how many there are, the first few of them,
and what was mended. Reads a page at a time, so that memory does not grow with the queues; what
changes meanwhile can look like a difference once, and is not one the next time. Mending never
runs a job twice: a message too many finds its job finished, and one that a worker has is left.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import transaction

from jobs.execution.leases import lease
from jobs.job_types import GROUPS
from jobs.ledger import relay
from jobs.ledger.publish import put_in_line, queues
from jobs.ledger.statements import run
from tenancy.models import Organization
from tenancy.scope import engine_scope

EXAMPLES = 5
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
    _ledger_to_redis(found["lost"], repair)
    _within_the_ledger(found, repair)
    with engine_scope(), transaction.atomic():
        organizations = list(Organization.objects.order_by("pk").values_list("pk", flat=True))
    for organization_id in organizations:
        for group in GROUPS:
            _redis_to_ledger(found["left_over"], group, organization_id, repair)
    return [one for one in found.values() if one.count]


def _ledger_to_redis(lost: Difference, repair: bool) -> None:
    for jobs in relay.lost():
        lost.add(job.job_id for job in jobs)
        if repair:
            lost.mended += put_in_line(jobs)


def _within_the_ledger(found: dict[str, Difference], repair: bool) -> None:
    refs: dict[str, dict[str, list[Any]]] = defaultdict(
        lambda: {"organization_ids": [], "job_ids": []}
    )
    with engine_scope(), transaction.atomic():
        for row in run("misfits", {"limit": MOST, "patience": PATIENCE, "lease": lease()}):
            found[row["kind"]].add([row["id"]])
            refs[row["kind"]]["organization_ids"].append(row["organization_id"])
            refs[row["kind"]]["job_ids"].append(row["id"])
        if not repair:
            return
        letters = run("mend_letters", refs["dead_without_letter"] | {"fingerprint": "mended"})
        found["dead_without_letter"].mended = len(letters)
        gone_on = run("mend_holds", refs["behind_no_breaker"])
        found["behind_no_breaker"].mended = len(gone_on)
    if found["unpublished"].count:
        found["unpublished"].mended = relay.publish_due()


def _redis_to_ledger(extra: Difference, group: str, organization_id: int, repair: bool) -> None:
    for page in queues().pages(group, organization_id):
        named = {one: _uuid(one) for one in page}
        known = [job_id for job_id in named.values() if job_id]
        if not page:
            continue
        with engine_scope(), transaction.atomic():
            of = {"organization_id": organization_id, "queue_group": group, "job_ids": known}
            foreign = {row["id"] for row in run("not_in_line", of)}
        wrong = [one for one, job_id in named.items() if job_id is None or job_id in foreign]
        extra.add(wrong)
        if repair and wrong:
            extra.mended += len(queues().remove(group, organization_id, wrong))


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
