"""Files of imports go: reports after some days, what was uploaded after some more.

The file goes first, then the row says so: killed in between, it is done again.
"""

from collections.abc import Iterable
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from jobs.families.transfers.errors import StoreError
from jobs.families.transfers.imports import files
from jobs.families.transfers.imports.states import WORKING
from jobs.families.transfers.models import Import
from jobs.families.transfers.store import store
from tenancy.scope import engine_scope

log = structlog.get_logger(__name__)

BATCH = 100


def tick() -> int:
    """Remove what is over, a batch at most; returns of how many imports."""
    reports = Import.objects.filter(
        reports_removed_at=None, finished_at__lt=_ago(settings.IMPORTS_KEEP_REPORTS_DAYS)
    )
    # What a worker is at, however long it has waited, is read to its end.
    uploads = Import.objects.filter(
        upload_removed_at=None, created_at__lt=_ago(settings.IMPORTS_KEEP_UPLOADS_DAYS)
    ).exclude(state__in=WORKING)
    removed = sum(
        _remove(of, [files.report(of, which) for which in of.reports], "reports_removed_at")
        for of in _batch(reports)
    )
    removed += sum(
        _remove(of, [files.upload(of), files.issues(of), files.skipped(of)], "upload_removed_at")
        for of in _batch(uploads)
    )
    if removed:
        log.info("import_files_removed", imports=removed)
    return removed


def _ago(days: int) -> object:
    return Now() - timedelta(days=days)


def _batch(rows: QuerySet[Import]) -> list[Import]:
    with engine_scope(), transaction.atomic():
        return list(rows.only("organization_id", "reports")[:BATCH])


def _remove(of: Import, keys: Iterable[str], noted_in: str) -> bool:
    try:
        for key in keys:
            store().delete(key)
    except StoreError as error:
        log.warning("import_files_not_removed", import_id=str(of.pk), error=str(error))
        return False
    with engine_scope(), transaction.atomic():
        Import.objects.filter(organization_id=of.organization_id, pk=of.pk).update(
            **{noted_in: Now()}
        )
    return True
