"""One event as a line: the bytes that are hashed. `audit_leaf` in the database builds the same."""

import hashlib
from datetime import UTC, datetime
from uuid import UUID


def line(
    *,
    seq: int,
    id: UUID,  # noqa: A002 - the name it has in the line
    organization_id: int,
    recorded_at: datetime,
    event: str,
    personal: str | None,
) -> bytes:
    """Canonical JSON (RFC 8785) around the stored text, without a line end.

    The personal part stands in it by its digest: what is erased later leaves the line as it is.
    """
    digest = "null" if personal is None else f'"{hashlib.sha256(personal.encode()).hexdigest()}"'
    moment = recorded_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return (
        f'{{"event":{event},"id":"{id}","organization_id":{organization_id},'
        f'"personal_sha256":{digest},"recorded_at":"{moment}","seq":{seq}}}'
    ).encode()
