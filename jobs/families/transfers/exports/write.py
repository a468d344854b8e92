"""The job of an export: one snapshot, one object, one manifest; then it is completed.

    begin       under the job's fence: this attempt's own object is named, an earlier one's removed
    put         outside any transaction but the snapshot's: COPY → format → store
    manifest    beside the object: what it is, and its digest
    complete    the job settles, with the audit event; or it is cancelled after all

Killed anywhere, it begins anew. What an earlier attempt wrote is under another key, and goes.
"""

import json
import uuid
from contextlib import closing
from typing import Any

from django.db.models.functions import Now

from audit.record import record
from jobs.errors import LeaseLost, Permanent
from jobs.execution.job import Run
from jobs.execution.revalidate import OrganizationSuspended
from jobs.families.transfers.errors import TooManyRows
from jobs.families.transfers.exports.about import PERMISSIONS, described, row, served
from jobs.families.transfers.exports.formats import FORMATS
from jobs.families.transfers.exports.progress import Progress, Stopped
from jobs.families.transfers.exports.removal import KEEP, remove
from jobs.families.transfers.exports.snapshot import Snapshot, snapshot
from jobs.families.transfers.exports.statement import SCHEMA_VERSION, Query, query
from jobs.families.transfers.models import Export, ExportState
from jobs.families.transfers.store import Stored, manifest_key, prefix, store
from jobs.job_types import Payload
from jobs.ledger.states import Reason
from tenancy import clock
from tenancy.access import may
from tenancy.acting import current
from tenancy.models import Organization

OVER = (ExportState.COMPLETED, ExportState.CANCELLED, ExportState.EXPIRED)


class WriteExport(Payload):
    """An export to write."""

    export_id: uuid.UUID


def write(run: Run[WriteExport]) -> None:
    """Write the export that the job names, unless it is over."""
    export = _begin(run)
    if export is None:
        return
    try:
        with closing(Progress(run, export.object_key)) as progress:
            manifest = _put(export, progress)
        _complete(run, export, manifest)
    except Stopped:
        with run.settling():
            cancelled(export)
    except LeaseLost:
        remove(export.object_key)  # nobody else knows this name any more
        raise


def query_of(export: Export) -> Query:
    """What it reads."""
    return query(
        export.kind,  # type: ignore[arg-type]
        organization_id=export.organization_id,
        fields=export.fields,
        filters=export.filters,
    )


def cancelled(export: Export) -> None:
    """It ends as cancelled, in the caller's transaction; the scheduler removes its object."""
    row(export).update(state=ExportState.CANCELLED, finished_at=Now())
    record("export.cancelled", export, detail={"kind": export.kind})


def ended(job: Any, reason: str) -> None:
    """Its job is dead, or was cancelled: so is the export, for the same reason."""
    export = Export.objects.filter(
        organization_id=job.organization_id,
        pk=job.payload["export_id"],
        state__in=[ExportState.QUEUED, ExportState.RUNNING],
    ).first()
    if export is None:
        return
    if reason == "cancelled":
        cancelled(export)
        return
    row(export).update(state=ExportState.FAILED, finished_at=Now(), error=str(reason)[:64])
    detail = {"kind": export.kind, "reason": str(reason)}
    record("export.failed", export, outcome="failed", detail=detail)


def _begin(run: Run[WriteExport]) -> Export | None:
    with run.step():
        mine = Export.objects.select_for_update(of=("self",)).select_related("organization")
        export = mine.get(organization_id=run.organization_id, pk=run.payload.export_id)
        if export.state in OVER:
            return None
        if export.cancel_requested_at:
            cancelled(export)
            return None
        permission = PERMISSIONS[export.kind]
        if not may(current().actor, permission, export.organization_id):
            raise Permanent(
                f"{current().actor} does not hold {permission} any more.",
                reason=Reason.AUTHORIZATION_REVOKED,
            )
        earlier = export.object_key
        export.file_name = _file_name(export)
        export.object_key = (
            f"{prefix(export.organization_id)}exports/{export.pk}/{run.job.fence}/"
            f"{export.file_name}"
        )
        export.state, export.error, export.finished_at = ExportState.RUNNING, "", None
        export.total, export.rows, export.bytes, export.snapshot_at = None, 0, 0, None
        export.save()
    if earlier:
        remove(earlier)
    return export


def _put(export: Export, progress: Progress) -> dict[str, Any]:
    with snapshot(query_of(export)) as moment:
        stored = store().put(
            export.object_key,
            progress.watching(encoded(export.format, moment), moment),
            served=served(export),
        )
    manifest = _manifest(export, moment, stored)
    text = json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False)
    store().put(manifest_key(export.object_key), [text.encode()])
    return manifest


def encoded(format_name: str, moment: Snapshot) -> Any:
    """The file's bytes, piece by piece. Raises TooManyRows before the first."""
    of = FORMATS[format_name]
    if of.most_rows is not None and moment.total > of.most_rows:
        raise TooManyRows(moment.total, of.most_rows)
    return of.encode(moment.query.columns, moment.blocks(of))


def _complete(run: Run[Any], export: Export, manifest: dict[str, Any]) -> None:
    with run.settling():
        now = row(export).select_for_update().get()
        if now.cancel_requested_at:
            cancelled(export)
            return
        if not Organization.objects.get(pk=export.organization_id).is_active:
            raise OrganizationSuspended(f"Organization {export.organization_id} is suspended.")
        row(export).update(
            state=ExportState.COMPLETED,
            total=manifest["rows"],
            rows=manifest["rows"],
            bytes=manifest["bytes"],
            sha256=manifest["sha256"],
            snapshot_at=manifest["snapshot_at"],
            manifest=manifest,
            finished_at=Now(),
            expires_at=clock.now() + KEEP,
        )
        told = {name: manifest[name] for name in ("kind", "format", "rows", "bytes", "sha256")}
        record("export.completed", export, detail=told)


def _manifest(export: Export, moment: Snapshot, stored: Stored) -> dict[str, Any]:
    return described(export) | {
        "schema_version": SCHEMA_VERSION,
        "export_id": str(export.pk),
        "organization_id": export.organization_id,
        "actor": export.actor_id,
        "correlation_id": export.correlation_id,
        "snapshot_at": moment.taken_at.isoformat(),
        "file_name": export.file_name,
        "rows": moment.rows,
        "bytes": stored.bytes,
        "sha256": stored.sha256,
    }


def _file_name(export: Export) -> str:
    """Of our alphabet: a slug, words of ours, a date."""
    day = export.created_at.date().isoformat()
    return f"{export.organization.slug}-{export.kind}-{day}.{FORMATS[export.format].extension}"
