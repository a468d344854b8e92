"""Files of imports go: reports after some days, what was uploaded after some more.

When its organization is suspended the reports go at once, as exports do, and can be made again once
it is active. What was uploaded stays its days: the import is stopped, not lost, and no link leads
to an upload. The file goes first, then the row says so: killed in between, it is done again.

Files whose import has no row are what a process left that was killed between the last byte and the
row; they go after a day.
"""

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import batched
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from jobs.families.transfers.errors import StoreError
from jobs.families.transfers.imports import files
from jobs.families.transfers.imports.planned import KINDS
from jobs.families.transfers.imports.states import WORKING, WRITING
from jobs.families.transfers.models import Import
from jobs.families.transfers.store import store
from tenancy.changes import Change
from tenancy.models import DomainEvent, Organization
from tenancy.scope import engine_scope

log = structlog.get_logger(__name__)

BATCH = 100
ORPHANED = timedelta(days=1)
OURS = re.compile(r"org/[0-9]+/imports/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/")


def expire_of_suspended(changes: Sequence[Change], _: Sequence[DomainEvent]) -> None:
    """Listener of `tenancy.changes`: from this transaction on, no report of theirs is there."""
    for change in changes:
        if isinstance(change.entity, Organization) and not change.entity.is_active:
            theirs = Import.objects.filter(organization_id=change.entity.pk)
            # Also where no report is named now: those of earlier turns lie there as well. Whose row
            # a chunk that is being written has locked is passed by, and loses them in time.
            may_have_some = theirs.filter(reports_removed_at=None)
            at_work = Q(state__in=WRITING, reports={})
            may_have_some.exclude(at_work).update(reports={}, reports_expired=True)


def tick() -> int:
    """Remove what is over, a batch at most of each kind; returns of how many imports."""
    imports = Import.objects
    expired = imports.filter(reports_expired=True)
    reports = imports.filter(
        reports_removed_at=None, finished_at__lt=_ago(settings.IMPORTS_KEEP_REPORTS_DAYS)
    )
    # What a worker is at, however long it has waited, is read to its end.
    uploads = imports.filter(
        upload_removed_at=None, created_at__lt=_ago(settings.IMPORTS_KEEP_UPLOADS_DAYS)
    ).exclude(state__in=WORKING)
    removed = (
        _remove(expired, _reports, {"reports_expired": False})
        + _remove(reports, _reports, {"reports_removed_at": Now()})
        + _remove(uploads, _upload, {"upload_removed_at": Now()})
    )
    if removed:
        log.info("import_files_removed", imports=removed)
    return removed


def sweep() -> int:
    """Remove the files of imports that have no row; returns of how many. Reads the whole store."""
    removed = 0
    try:
        ours = filter(None, map(OURS.match, store().older_than(ORPHANED)))
        for batch in batched(ours, BATCH):
            known = _known({UUID(key[1]) for key in batch})
            for key in batch:
                if UUID(key[1]) not in known:
                    store().delete(key.string)
                    removed += 1
    except StoreError as error:
        log.warning("import_files_not_swept", error=str(error))
    if removed:
        log.info("import_orphans_removed", files=removed)
    return removed


def _known(import_ids: set[UUID]) -> set[UUID]:
    with engine_scope(), transaction.atomic():
        return set(Import.objects.filter(pk__in=import_ids).values_list("pk", flat=True))


def _ago(days: int) -> object:
    return Now() - timedelta(days=days)


def _reports(of: Import) -> None:
    store().delete_below(files.reports(of))


def _upload(of: Import) -> None:
    planned = (files.planned(of, kind) for kind in KINDS)
    for key in (files.upload(of), files.issues(of), files.skipped(of), *planned):
        store().delete(key)


def _remove(
    rows: QuerySet[Import], remove: Callable[[Import], None], noted: dict[str, object]
) -> int:
    with engine_scope(), transaction.atomic():
        batch = list(rows.only("organization_id")[:BATCH])
    removed = 0
    for of in batch:
        try:
            remove(of)
        except StoreError as error:
            log.warning("import_files_not_removed", import_id=str(of.pk), error=str(error))
            continue
        with engine_scope(), transaction.atomic():
            mine = Import.objects.filter(organization_id=of.organization_id, pk=of.pk)
            mine.update(**noted)
        removed += 1
    return removed
