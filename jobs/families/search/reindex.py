"""Build an organization's index anew, beside the one that is in use, and move the readers over.

new generation → scan of the counter in the order of its keys, a checkpoint after each chunk that
the backend has acknowledged → compare → swap. Meanwhile index jobs write both, so nothing is locked
and nobody waits. No barrier is needed: a job that did not see the new generation read a version
that the scan, which begins later, sees too.

Killed anywhere, it goes on from the checkpoint; a chunk that is written twice is the same. A slice
ends after a while, so that others of the organization have their turn.
"""

import time
from collections.abc import Sequence

import structlog
from django.conf import settings
from django.db import transaction

from audit.record import record
from jobs.execution.job import Run
from jobs.families.search import compare, generations, requests
from jobs.families.search.backends import Result
from jobs.families.search.backends.choose import backend
from jobs.families.search.documents import Document, Key, read
from jobs.families.search.errors import NothingToResume
from jobs.families.search.index import index, note, put
from jobs.families.search.models import GenerationState, SearchEntry, SearchGeneration
from jobs.families.search.requests import Reindex
from jobs.families.search.statements import run as sql
from jobs.ledger.models import Job
from jobs.ledger.states import FINAL
from tenancy import clock

log = structlog.get_logger(__name__)

CHUNK = 500
NAP_SECONDS = 0.2


def start(organization_id: int, reason: str, *, per_second: int | None = None) -> SearchGeneration:
    """Ask for it, in the caller's transaction; a worker of `backfill` does it.

    per_second: documents, at most. Raises ReindexUnderWay.
    """
    new = generations.begin(organization_id, reason, per_second=per_second)
    sql("seed", {"organization_id": organization_id})
    new.total = SearchEntry.objects.filter(organization_id=organization_id).count()
    _send(new)
    record(
        "search.reindex_started",
        new,
        detail={"reason": reason, "documents": new.total, "per_second": per_second},
    )
    return new


def resume(organization_id: int) -> SearchGeneration:
    """Let one go on whose job died or was cancelled. Raises NothingToResume."""
    row = _building(organization_id)
    if row is None:
        raise NothingToResume(organization_id)
    jobs = Job.objects.filter(organization_id=organization_id).exclude(state__in=FINAL)
    if row.job_id is not None and jobs.filter(pk=row.job_id).exists():
        raise NothingToResume(organization_id)
    _send(row)
    record("search.reindex_resumed", row, detail={"done": row.done, "documents": row.total})
    return row


def cancel(organization_id: int) -> SearchGeneration:
    """Drop the one that is half done. Raises NothingToResume where there is none."""
    row = _building(organization_id)
    if row is None:
        raise NothingToResume(organization_id)
    generations.give_up(row, "cancelled")
    record("search.reindex_cancelled", row, detail={"done": row.done, "documents": row.total})
    return row


def perform(run: Run[Reindex]) -> None:
    """One slice."""
    ends_at = time.monotonic() + settings.SEARCH_SLICE_SECONDS
    while True:
        run.check_cancelled()
        began = time.monotonic()
        with run.transaction():
            row = _mine(run)
            if row is None:
                log.info("reindex_over")
                return
            keys = _next(row)
            documents = read(run.organization_id, keys).documents
        if not keys:
            break
        _write(run, row, keys, documents)
        _throttle(run, row, len(keys), began)
        if time.monotonic() > ends_at:
            with run.settling():
                if (row := _mine(run)) is not None:
                    _send(row)
            return
    _finish(run, row)


def _write(
    run: Run[Reindex], row: SearchGeneration, keys: Sequence[Key], documents: Sequence[Document]
) -> None:
    outcomes = put(backend(), generations.named(row), documents)
    note(
        run.organization_id,
        [one for one in documents if outcomes[one.key].result != Result.REFUSED],
    )
    kind, entity_id = keys[-1]
    with run.step():
        generations.of(row.organization_id).filter(
            pk=row.pk, checkpoint_kind=row.checkpoint_kind, checkpoint_id=row.checkpoint_id
        ).update(
            checkpoint_kind=kind,
            checkpoint_id=entity_id,
            done=row.done + len(keys),
            progress_at=clock.now(),
        )


def _finish(run: Run[Reindex], row: SearchGeneration) -> None:
    """Compare, mend once what differs, and swap; or give up and leave the old one in use."""
    new = generations.named(row)
    found = compare.differences(new, settled_after=0)
    if found.keys:
        index(run.organization_id, found.keys)
        found = compare.differences(new, settled_after=0)
    with run.transaction():
        old = generations.live(run.organization_id)
    # What the index refuses is in neither, and has its dead letter. It is no reason to stay.
    worse = found.keys - (compare.differences(old, settled_after=0).keys if old else set())
    with run.settling():
        still = _mine(run)
        if still is None:
            return
        detail = {"documents": row.done, "differences": len(found.keys)}
        if worse and old:
            generations.give_up(still, f"{len(worse)} documents differ from the database")
            record("search.reindex_refused", still, outcome="failed", detail=detail)
            log.error("reindex_refused", generation=row.pk, **detail)
            return
        generations.swap(still)
        record("search.reindex_completed", still, detail=detail)
    log.info("reindex_completed", generation=row.pk, documents=row.done)


def _next(row: SearchGeneration) -> list[Key]:
    behind = {"kind": row.checkpoint_kind, "entity_id": row.checkpoint_id}
    rows = sql("entries", {"organization_id": row.organization_id, "limit": CHUNK} | behind)
    return [(one["kind"], one["entity_id"]) for one in rows]


def _throttle(run: Run[Reindex], row: SearchGeneration, written: int, began: float) -> None:
    if row.per_second is None:
        return
    until = began + written / row.per_second
    while (left := until - time.monotonic()) > 0:
        run.check_cancelled()
        time.sleep(min(left, NAP_SECONDS))


def _mine(run: Run[Reindex]) -> SearchGeneration | None:
    """The generation, if it is still this job's to fill."""
    row = generations.of(run.organization_id).filter(pk=run.payload.generation_id).first()
    is_mine = row and row.state == GenerationState.BUILDING and row.turn == run.payload.turn
    return row if is_mine else None


def _building(organization_id: int) -> SearchGeneration | None:
    rows = generations.of(organization_id).filter(state=GenerationState.BUILDING)
    return rows.select_for_update().first()


def _send(row: SearchGeneration) -> None:
    with transaction.atomic():
        row.turn += 1
        payload = Reindex(generation_id=row.pk, turn=row.turn)
        row.job_id = requests.send_reindex(row.organization_id, payload)
        row.save(update_fields=["turn", "job_id", "total"])
