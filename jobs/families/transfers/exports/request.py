"""What people and programs do with exports: ask for one, cancel it, get a link to its file.

All of it in the caller's scope and transaction, as whoever acts, with a permission of its own for
rosters, which are personal data.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from audit.record import record
from jobs.errors import NotInState
from jobs.families.transfers.errors import NotThere
from jobs.families.transfers.exports.about import PERMISSIONS, described, row, served
from jobs.families.transfers.exports.formats import FORMATS
from jobs.families.transfers.exports.statement import SOURCES, query
from jobs.families.transfers.exports.write import WriteExport
from jobs.families.transfers.job_types import export_file
from jobs.families.transfers.links import Link
from jobs.families.transfers.models import Export, ExportState
from jobs.families.transfers.rules.fields import Kind
from jobs.families.transfers.store import store
from jobs.ledger import enqueue
from tenancy import clock
from tenancy.access import require
from tenancy.acting import current


def ask(
    organization_id: int,
    *,
    kind: Kind,
    format_name: str,
    fields: Sequence[str] = (),
    filters: Mapping[str, Any] | None = None,
) -> Export:
    """Enqueue an export; without fields, of all that an import would read.

    filters: values that JSON can hold; ids of things of this organization, which the caller has
    looked up. Raises AccessDenied, and KeyError for a field or a filter that the kind does not
    have.
    """
    require(current().actor, PERMISSIONS[kind], organization_id)
    acting, every = current(), [one.name for one in SOURCES[kind].columns]
    wanted = {name: value for name, value in (filters or {}).items() if value is not None}
    query(kind, organization_id=organization_id, fields=fields, filters=wanted)  # or KeyError
    with transaction.atomic():
        export = Export.objects.create(
            organization_id=organization_id,
            kind=kind,
            format=FORMATS[format_name].extension,
            fields=list(fields) or every,
            filters=wanted,
            actor_id=str(acting.actor),
            correlation_id=acting.correlation_id,
        )
        enqueued = enqueue(
            export_file,
            WriteExport(export_id=export.pk),
            organization_id=organization_id,
            entity=("export", str(export.pk)),
        )
        export.job_id = enqueued.job_id
        export.save(update_fields=["job_id"])
        record("export.requested", export, detail=described(export))
    return export


def cancel(export: Export) -> Export:
    """An export that waits never runs; one that runs ends within about a second.

    Again is no error. Raises AccessDenied, and NotInState for one that is over otherwise.
    """
    require(current().actor, PERMISSIONS[export.kind], export.organization_id)
    with transaction.atomic():
        export = row(export).select_for_update().get()
        if export.state == ExportState.CANCELLED or export.cancel_requested_at:
            return export
        if export.state not in (ExportState.QUEUED, ExportState.RUNNING):
            raise NotInState(f"The export is {export.state}, so there is nothing to cancel.")
        now: dict[str, Any] = {"cancel_requested_at": Now()}
        if export.state == ExportState.QUEUED:
            now |= {"state": ExportState.CANCELLED, "finished_at": Now()}
            record("export.cancelled", export, detail={"kind": export.kind})
        else:
            record("export.cancel_requested", export, detail={"kind": export.kind})
        row(export).update(**now)
    return row(export).get()


def download(export: Export) -> str:
    """An address that gives the file for three minutes, to whoever acts; it stands in the log.

    Raises AccessDenied, NotInState for an export that is not completed, and NotThere for a file
    that was removed.
    """
    permission = PERMISSIONS[export.kind]
    require(current().actor, permission, export.organization_id)
    is_over = export.expires_at is not None and export.expires_at <= clock.now()
    if export.state == ExportState.EXPIRED or is_over:
        raise NotThere(export.object_key)
    if export.state != ExportState.COMPLETED:
        raise NotInState(f"The export is {export.state}: it has no file yet.")
    link = Link(
        organization_id=export.organization_id,
        key=export.object_key,
        actor=str(current().actor),
        permission=permission,
        served=served(export),
    )
    record(
        "export.downloaded",
        export,
        detail={"kind": export.kind, "rows": export.rows, "sha256": export.sha256},
    )
    return store().signed_url(link)
