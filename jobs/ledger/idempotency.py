"""Idempotency keys: what makes two requests for a job the same job."""

import hashlib
from uuid import UUID

from jobs.ledger.statements import run


def idempotency_key(
    job_type: str, *, entity: tuple[str, str], correlation_id: str, discriminator: str
) -> bytes:
    """A digest of job type, entity, correlation_id and discriminator: 32 bytes.

    The discriminator is what the job type declares (an event's id, a version, a chunk). Without it
    two changes of one mission in one request would be one job.
    """
    parts = [part.encode() for part in (job_type, *entity, correlation_id, discriminator)]
    # Length first, so that ("ab", "c") and ("a", "bc") differ.
    return hashlib.sha256(b"".join([len(part).to_bytes(4) + part for part in parts])).digest()


def known_keys(pairs: list[tuple[int, bytes]]) -> dict[tuple[int, bytes], UUID]:
    """The jobs that keys made, by (organization_id, key); in the caller's transaction."""
    rows = run(
        "known_keys",
        {
            "organization_ids": [organization_id for organization_id, _ in pairs],
            "keys": [key for _, key in pairs],
        },
    )
    return {(row["organization_id"], bytes(row["key"])): row["job_id"] for row in rows}
