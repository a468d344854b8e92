"""The scheduler's part: comparisons that are due, indexes that go, tombstones that are over.

Each runs as `engine`, which sees the family's tables of all organizations and no domain table.
"""

import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction

from jobs.families.search import generations, requests
from jobs.families.search.backends import BackendUnavailable, Stored
from jobs.families.search.backends.choose import backend
from jobs.families.search.models import WRITTEN, GenerationState, SearchGeneration
from jobs.families.search.reindex import start
from jobs.families.search.statements import run as sql
from tenancy import clock
from tenancy.changes import Change
from tenancy.models import DomainEvent, Organization
from tenancy.scope import engine_scope, scope

log = structlog.get_logger(__name__)

BATCH = 100
KEEP_TOMBSTONES = timedelta(days=7)
LINGERING = timedelta(minutes=5)
"""How long after its end a generation may still be written, by a job that read it just before: more
than the time limit of any."""


def follow_organization(changes: Sequence[Change], _: Sequence[DomainEvent]) -> None:
    """Listener of `tenancy.changes`: a suspended organization has no index, a restored one anew."""
    for change in changes:
        of = change.entity
        if change.kind == "changed" and isinstance(of, Organization) and "state" in change.after:
            if not of.is_active:
                generations.drop_all(of.pk)
            elif not generations.of(of.pk).filter(state=GenerationState.BUILDING).exists():
                start(of.pk, "the organization is active again")


def check_some() -> int:
    """Have those live indexes compared that have waited longest for it; returns how many.

    Each has its turn, whatever becomes of it: one that cannot be compared now stands behind others.
    """
    every = settings.SEARCH_CHECK_SECONDS
    slot = int(time.time() // every)
    due = SearchGeneration.objects.filter(
        state=GenerationState.LIVE, check_due_at__lte=clock.now()
    ).order_by("check_due_at")
    with engine_scope(), transaction.atomic():
        found = dict(due.values_list("pk", "organization_id")[:BATCH])
        again = clock.now() + timedelta(seconds=every)
        SearchGeneration.objects.filter(pk__in=found).update(check_due_at=again)
    for organization_id in found.values():
        with scope(organization_id), transaction.atomic():
            requests.send_reconcile(organization_id, slot)
    return len(found)


def drop_some() -> int:
    """End the indexes whose time is over and remove what is left of them; returns how many went."""
    now = clock.now()
    with engine_scope(), transaction.atomic():
        SearchGeneration.objects.filter(state=GenerationState.RETIRED, drop_at__lte=now).update(
            state=GenerationState.DROPPED
        )
        found = list(
            SearchGeneration.objects.filter(
                state=GenerationState.DROPPED, removed_at__isnull=True
            ).order_by("drop_at")[:BATCH]
        )
    gone = 0
    for row in found:
        try:
            with scope(row.organization_id):
                is_empty = backend().drop(generations.named(row))
        except BackendUnavailable as error:
            log.warning("search_index_not_dropped", generation=row.pk, error=str(error))
            continue
        if is_empty and (row.drop_at or now) < now - LINGERING:
            with engine_scope(), transaction.atomic():
                SearchGeneration.objects.filter(pk=row.pk).update(removed_at=now)
            gone += 1
    return gone


def purge_some() -> int:
    """Forget tombstones that no job can be older than, index first; returns how many went."""
    with engine_scope(), transaction.atomic():
        rows = sql("tombstones", {"kept_seconds": KEEP_TOMBSTONES.total_seconds(), "limit": BATCH})
        written = defaultdict(list)
        of = {row["organization_id"] for row in rows}
        for one in SearchGeneration.objects.filter(organization_id__in=of, state__in=WRITTEN):
            written[one.organization_id].append(generations.named(one))
    purged = 0
    for row in rows:
        age = row.pop("id")
        with scope(row["organization_id"]):
            for generation in written[row["organization_id"]]:
                backend().remove(generation, [Stored(**row)])
        with engine_scope(), transaction.atomic():
            [found] = sql("purge", {"id": age, "version": row["version"]})
        purged += found["purged"]
    return purged


def tick() -> None:
    """All of it, a batch at most of each."""
    check_some()
    drop_some()
    purge_some()
