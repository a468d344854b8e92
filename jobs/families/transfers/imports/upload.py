"""Take a file in: its bytes into the store, the import into the database, the check in line."""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction

from jobs.families.transfers.imports import files, transitions
from jobs.families.transfers.imports.errors import UploadRefused
from jobs.families.transfers.imports.states import ImportState
from jobs.families.transfers.models import Import
from jobs.families.transfers.rules.choices import Choices
from jobs.families.transfers.store import Stored, store
from jobs.ledger import ids
from tenancy.access import Permission, require
from tenancy.acting import current
from tenancy.models import Organization

PERMISSIONS = {
    "timeline": Permission.TRANSFER_IMPORT,
    "roster": Permission.ROSTER_IMPORT,
}
WAITING = (ImportState.UPLOADED, ImportState.MAPPED, ImportState.APPROVED)
"""Those that wait for a worker; a person's own pace is nobody's load."""
MOST_NAME_LENGTH = 300


@dataclass(frozen=True, kw_only=True)
class Uploaded:
    """What became of an upload.

    created: False when the same idempotency key made the import before; nothing was stored then.
    same_as: a completed import of the same bytes, if there is one; approving asks about it.
    """

    of_import: Import
    created: bool

    @property
    def same_as(self) -> uuid.UUID | None:
        return self.of_import.same_as


def upload(
    organization: Organization,
    file_name: str,
    chunks: Iterable[bytes],
    *,
    kind: str = "timeline",
    idempotency_key: str = "",
    declared_bytes: int | None = None,
    choices: Mapping[str, Any] | None = None,
    approve_when_valid: bool = False,
) -> Uploaded:
    """Store a file and have it checked, in the name of who acts now, in the organization's scope.

    Outside any transaction: the bytes stream into the store. file_name is kept for display only.
    declared_bytes: what the sender said, to refuse early; what comes is counted all the same.
    choices: decisions that the caller brings along (`rules.choices`), the zone of the organization
    where none is given. Raises AccessDenied, UploadRefused, InvalidChoice, and what the store
    raises; then nothing is kept. After a crash in the middle an object may be left that no row
    names.
    """
    with transaction.atomic():
        require(current().actor, PERMISSIONS[kind], organization.pk)
        known = _known(organization.pk, idempotency_key)
        if known:
            return Uploaded(of_import=known, created=False)
        _refuse_early(organization, declared_bytes)
    decided = Choices.from_json(
        {"kind": kind, "time_zone": organization.time_zone} | dict(choices or {})
    )
    of = Import(
        organization=organization,
        id=ids.at(ids.new_ids(1), 0),
        kind=kind,
        file_name=_shown(file_name),
        idempotency_key=idempotency_key,
        choices=decided.as_json(),
        approve_when_valid=approve_when_valid,
        actor_id=str(current().actor),
        correlation_id=current().correlation_id,
    )
    stored = store().put(files.upload(of), _counted(chunks, _most_bytes(organization)))
    try:
        return _entered(of, stored)
    except BaseException:
        store().delete(files.upload(of))
        raise


def _entered(of: Import, stored: Stored) -> Uploaded:
    of.file_bytes, of.file_sha256 = stored.bytes, stored.sha256
    with transaction.atomic():
        # While the bytes came others may have: of all at once, the lock lets one look and enter.
        locked = Organization.objects.select_for_update(no_key=True).get(pk=of.organization_id)
        known = _known(of.organization_id, of.idempotency_key)
        if known is None:
            _refuse_early(locked, stored.bytes)
            of.same_as = _completed_with(of)
            of.save(force_insert=True)
            of.refresh_from_db()
            transitions.uploaded(of)
            return Uploaded(of_import=of, created=True)
    store().delete(files.upload(of))
    return Uploaded(of_import=known, created=False)


def _most_bytes(organization: Organization) -> int:
    """The site's limit is for all: the door counts by it before it knows the organization."""
    own = organization.import_bytes_limit or settings.IMPORTS_MAX_BYTES
    return int(min(own, settings.IMPORTS_MAX_BYTES))


def _refuse_early(organization: Organization, declared_bytes: int | None) -> None:
    if declared_bytes is not None and declared_bytes > _most_bytes(organization):
        raise _too_large(declared_bytes, _most_bytes(organization))
    most = organization.imports_waiting_limit or settings.IMPORTS_MAX_WAITING
    waiting = Import.objects.filter(organization_id=organization.pk, state__in=WAITING).count()
    if waiting >= most:
        raise UploadRefused(
            "too_many_waiting",
            f"{waiting} imports of this organization are waiting for their turn, and no more than "
            f"{most} may. Upload this one when one of them is through, or cancel one.",
            limit=most,
            found=waiting,
        )


def _counted(chunks: Iterable[bytes], most: int) -> Iterator[bytes]:
    found = 0
    for chunk in chunks:
        found += len(chunk)
        if found > most:
            raise _too_large(found, most)
        yield chunk


def _too_large(found: int, most: int) -> UploadRefused:
    return UploadRefused(
        "file_too_large",
        f"The file has {found:,} bytes or more, and no more than {most:,} are taken. Nothing of it "
        "is kept. Split it into several files.",
        limit=most,
        found=found,
    )


def _known(organization_id: int, idempotency_key: str) -> Import | None:
    if not idempotency_key:
        return None
    mine = Import.objects.filter(organization_id=organization_id)
    return mine.filter(idempotency_key=idempotency_key).first()


def _completed_with(of: Import) -> uuid.UUID | None:
    same = Import.objects.filter(
        organization_id=of.organization_id,
        file_sha256=of.file_sha256,
        kind=of.kind,
        state=ImportState.COMPLETED,
    )
    return same.values_list("pk", flat=True).first()


def _shown(file_name: str) -> str:
    """What PostgreSQL can keep of it. It is text that somebody sees, and nothing else."""
    return (
        file_name.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()[:MOST_NAME_LENGTH]
    )
