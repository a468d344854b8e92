"""Seals what one organization has waiting: the next batch, in one transaction of the caller."""

from typing import Any, Protocol

from audit.errors import BadCheckpoint, LogDiffers, SealRefused
from audit.sealing import merkle
from audit.sealing.heads import Head, opened, signed
from audit.sealing.keys import Keys

BATCH = 5_000
TAKEN = "55000"
"""The SQLSTATE by which `audit_seal` refuses what somebody else was faster with."""

_LAST = """
    SELECT last_seq, peaks, checkpoint FROM audit_auditbatch
    WHERE organization_id = %s ORDER BY first_seq DESC LIMIT 1
"""
_WAITING = """
    SELECT p.position, audit_leaf(
        %(last_seq)s + row_number() OVER (ORDER BY p.position),
        e.id, e.organization_id, e.recorded_at, e.event, e.personal
    )
    FROM (
        SELECT position, event_id FROM audit_pending
        WHERE organization_id = %(organization_id)s ORDER BY position LIMIT %(limit)s
    ) AS p
    LEFT JOIN audit_auditevent e
        ON e.organization_id = %(organization_id)s AND e.id = p.event_id
    ORDER BY p.position
"""
_SEAL = "SELECT audit_seal(%s, %s, %s::bigint[], %s, %s, %s)"


class Cursor(Protocol):
    """What is used of a cursor; Django's and psycopg's are both such."""

    def execute(self, sql: Any, parameters: Any = ..., /) -> Any:
        """Run a statement."""

    def fetchall(self) -> list[Any]:
        """The rows of the last statement."""


def seal(cursor: Cursor, organization_id: int, keys: Keys, *, limit: int = BATCH) -> int:
    """Seal the next events of an organization, at most `limit`; returns how many there were.

    In a transaction and a scope of the organization. Raises `SealRefused` when another sealer was
    faster, and `LogDiffers` when what is there is not what was signed last; neither writes a batch.
    """
    last_seq, peaks = _signed_last(cursor, organization_id, keys)
    values = {"organization_id": organization_id, "last_seq": last_seq, "limit": limit}
    cursor.execute(_WAITING, values)
    waiting = cursor.fetchall()
    if not waiting:
        return 0
    if any(leaf is None for _, leaf in waiting):
        raise LogDiffers("an event is gone that waits to be sealed")
    leaves = [bytes(leaf) for _, leaf in waiting]
    peaks = merkle.grown(peaks, last_seq, leaves)
    head = Head(
        name=keys.name,
        organization_id=organization_id,
        size=last_seq + len(leaves),
        root=merkle.root(peaks),
    )
    positions = [position for position, _ in waiting]
    batch = (organization_id, last_seq + 1, positions, b"".join(leaves), b"".join(peaks))
    try:
        cursor.execute(_SEAL, (*batch, signed(head, keys)))
    except Exception as error:
        if getattr(error.__cause__ or error, "sqlstate", None) == TAKEN:
            raise SealRefused(str(error)) from error
        raise
    return len(leaves)


def _signed_last(cursor: Cursor, organization_id: int, keys: Keys) -> tuple[int, list[bytes]]:
    """Size and peaks of the tree so far, which are those of the last head that we signed.

    A tree that grows from these peaks is consistent with that head; there is no need for a proof.
    """
    cursor.execute(_LAST, (organization_id,))
    rows = cursor.fetchall()
    if not rows:
        return 0, []
    [(last_seq, joined, checkpoint)] = rows
    peaks = merkle.split(bytes(joined))
    try:
        head = opened(checkpoint, keys.trusted)
    except BadCheckpoint as error:
        raise LogDiffers(str(error)) from error
    said = (head.organization_id, head.size, head.root)
    if said != (organization_id, last_seq, merkle.root(peaks)):
        raise LogDiffers(f"the last batch, up to seq {last_seq}, is not what was signed")
    return last_seq, peaks
