"""Find where the index is not what the counter says, and mend it by ordinary jobs.

Foreign documents go at once, are audited and logged as an error, whether or not somebody asked for
repair. Whatever else differs is written anew under a new version, unless jobs for it still wait:
then they are what will mend it. An index that is *ahead* of the counter, as after a restored
database, would refuse every write, so a fresh one is built.
"""

from dataclasses import dataclass

import structlog
from django.db import transaction
from django.db.models import Q

from audit.record import record
from jobs.families.search import compare, generations, reindex
from jobs.families.search.backends import Generation
from jobs.families.search.backends.choose import backend
from jobs.families.search.compare import Differences
from jobs.families.search.counter import count
from jobs.families.search.errors import ReindexUnderWay
from jobs.families.search.requests import INDEX_BATCH, INDEX_ONE, TOUCH
from jobs.families.search.statements import run as sql
from jobs.ledger.models import Job
from jobs.ledger.states import FINAL
from tenancy import clock

log = structlog.get_logger(__name__)

_MENDING = (*INDEX_ONE.values(), INDEX_BATCH, TOUCH)


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What one comparison found, and did. counts: differences by kind. repaired: documents that
    were asked for anew or taken out. reindexing: a fresh index is being built."""

    organization_id: int
    compared: int
    counts: dict[str, int]
    repaired: int = 0
    reindexing: bool = False

    @property
    def differences(self) -> int:
        """Of all kinds."""
        return sum(self.counts.values())


def reconcile(
    organization_id: int, *, repair: bool, settled_after: float = compare.FRESH_SECONDS
) -> Checked:
    """Compare the live index of an organization, in its scope and outside any transaction.

    settled_after: seconds that a change has to reach the index. Raises BackendUnavailable.
    """
    if repair:
        _seed(organization_id)
    with transaction.atomic():
        live = generations.live(organization_id)
        waits = _waits(organization_id)
    if live is None:
        return Checked(organization_id=organization_id, compared=0, counts=Differences().counts)
    found = compare.differences(live, settled_after=settled_after)
    if found.foreign:
        _expel(live, found)
    repaired, reindexing = 0, False
    if repair:
        reindexing = bool(found.counts["ahead"]) and _rebuild(organization_id)
        repaired = _repair(live, found, waits=waits)
    _note(live, found)
    return Checked(
        organization_id=organization_id,
        compared=found.compared,
        counts=found.counts,
        repaired=repaired + len(found.foreign),
        reindexing=reindexing,
    )


def _seed(organization_id: int) -> None:
    """Count what never was; it is found missing in the same comparison, or in the next one."""
    with transaction.atomic():
        [seeded] = sql("seed", {"organization_id": organization_id})
        if seeded["added"] and generations.live(organization_id) is None:
            generations.first(organization_id)
    if seeded["added"]:
        log.warning("search_entries_seeded", entries=seeded["added"])


def _waits(organization_id: int) -> bool:
    jobs = Job.objects.filter(organization_id=organization_id, job_type__in=_MENDING)
    return jobs.filter(~Q(state__in=FINAL)).exists()


def _expel(live: Generation, found: Differences) -> None:
    backend().remove(live, found.foreign)
    with transaction.atomic():
        record(
            "search.foreign_removed",
            ("searchgeneration", live.number),
            organization_id=live.organization_id,
            detail={"documents": len(found.foreign)},
        )
    log.error("search_foreign_removed", documents=len(found.foreign), generation=live.number)


def _repair(live: Generation, found: Differences, *, waits: bool) -> int:
    if found.stray:
        backend().remove(live, found.stray)
    if waits:
        return len(found.stray)
    with transaction.atomic():
        count(live.organization_id, found.keys, bulk=True)
    repaired = len(found.stray) + len(found.keys)
    if repaired:
        log.warning("search_repaired", documents=repaired, **found.counts)
    return repaired


def _rebuild(organization_id: int) -> bool:
    try:
        with transaction.atomic():
            reindex.start(organization_id, "the index is ahead of the database")
    except ReindexUnderWay:
        return False
    log.error("search_index_ahead")
    return True


def _note(live: Generation, found: Differences) -> None:
    with transaction.atomic():
        generations.of(live.organization_id).filter(pk=live.number).update(
            checked_at=clock.now(), drift=found.counts
        )
