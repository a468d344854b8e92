"""Files of exports go: after seven days, and when their organization is suspended.

What an attempt left behind goes too, once its export is over. A row says first that its file is no
more, then the file goes, then the row forgets where it was: killed in between, it is done again.
"""

from collections.abc import Sequence
from datetime import timedelta

import structlog
from django.db import transaction
from django.db.models.functions import Now

from jobs.families.transfers.errors import StoreError
from jobs.families.transfers.models import Export, ExportState
from jobs.families.transfers.store import manifest_key, store
from tenancy.changes import Change
from tenancy.models import DomainEvent, Organization
from tenancy.scope import engine_scope

log = structlog.get_logger(__name__)

KEEP = timedelta(days=7)
BATCH = 100

_OPEN = (ExportState.QUEUED, ExportState.RUNNING)


def remove(key: str) -> None:
    """The object and its manifest."""
    store().delete(key)
    store().delete(manifest_key(key))


def expire_of_suspended(changes: Sequence[Change], _: Sequence[DomainEvent]) -> None:
    """Listener of `tenancy.changes`: from this transaction on, nobody gets a file of theirs."""
    for change in changes:
        if isinstance(change.entity, Organization) and not change.entity.is_active:
            theirs = Export.objects.filter(organization_id=change.entity.pk)
            theirs.filter(state=ExportState.COMPLETED).update(state=ExportState.EXPIRED)


def tick() -> int:
    """Remove what is over, a batch at most; returns how many files went."""
    with engine_scope(), transaction.atomic():
        late = Export.objects.filter(state=ExportState.COMPLETED, expires_at__lte=Now())
        late.update(state=ExportState.EXPIRED)
        found = list(
            Export.objects.exclude(object_key="")
            .exclude(state__in=[*_OPEN, ExportState.COMPLETED])
            .values_list("pk", "object_key")[:BATCH]
        )
    removed = 0
    for key, object_key in found:
        try:
            remove(object_key)
        except StoreError as error:
            log.warning("export_not_removed", export_id=str(key), error=str(error))
            continue
        with engine_scope(), transaction.atomic():
            # Unless another attempt has begun meanwhile, and has an object of its own.
            Export.objects.filter(pk=key, object_key=object_key).update(object_key="")
        removed += 1
    if removed:
        log.info("exports_removed", files=removed)
    return removed
