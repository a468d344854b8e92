"""What is sealed, as files: the lines of each batch and its checkpoint, as they leave the house."""

from collections.abc import Iterator
from pathlib import Path

from audit.errors import LogDiffers
from audit.sealing.batch import Cursor
from audit.sealing.line import line

_BATCHES = """
    SELECT first_seq, last_seq, checkpoint FROM audit_auditbatch
    WHERE organization_id = %s AND first_seq > %s ORDER BY first_seq LIMIT 100
"""
_EVENTS = """
    SELECT b.first_seq + s.place - 1, e.id, e.recorded_at, e.event, e.personal
    FROM audit_auditbatch b CROSS JOIN unnest(b.event_ids) WITH ORDINALITY AS s (id, place)
    LEFT JOIN audit_auditevent e ON e.organization_id = b.organization_id AND e.id = s.id
    WHERE b.organization_id = %s AND b.first_seq = %s ORDER BY s.place
"""


def write(cursor: Cursor, organization_id: int, folder: Path) -> int:
    """Write the log of an organization below the folder; returns how many events it has.

    Raises OSError, and `LogDiffers` where an event is gone.
    """
    home = folder / "audit" / "v1" / str(organization_id)
    (home / "checkpoint").mkdir(parents=True, exist_ok=True)
    size = 0
    for first, last, checkpoint in _batches(cursor, organization_id):
        (home / f"{first:020}-{last:020}.jsonl").write_bytes(
            b"".join(one + b"\n" for one in _lines(cursor, organization_id, first))
        )
        # Last: a head never stands without its lines.
        (home / "checkpoint" / f"{last:020}").write_text(checkpoint, encoding="utf-8")
        size = last
    return size


def _batches(cursor: Cursor, organization_id: int) -> Iterator[tuple[int, int, str]]:
    after = 0
    while True:
        cursor.execute(_BATCHES, (organization_id, after))
        rows = cursor.fetchall()
        if not rows:
            return
        yield from rows
        after = rows[-1][0]


def _lines(cursor: Cursor, organization_id: int, first_seq: int) -> Iterator[bytes]:
    cursor.execute(_EVENTS, (organization_id, first_seq))
    for seq, event_id, recorded_at, event, personal in cursor.fetchall():
        if event_id is None:
            raise LogDiffers(f"organization {organization_id}: the event with seq {seq} is gone")
        yield line(
            seq=seq,
            id=event_id,
            organization_id=organization_id,
            recorded_at=recorded_at,
            event=event,
            personal=personal,
        )
