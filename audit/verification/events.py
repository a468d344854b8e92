"""One organization's events, batches and checkpoints against each other, in the database.

Every line is built and hashed anew here, from the columns; no function of the database is believed.
The tree is grown over the hashes that were sealed, and its root is what a trusted key signed: so a
batch that was rewritten is told apart from an event that was.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from audit.errors import BadCheckpoint
from audit.sealing import merkle
from audit.sealing.batch import Cursor
from audit.sealing.heads import Head, opened
from audit.sealing.keys import PublicKey
from audit.sealing.line import line
from audit.verification.report import Report

BATCHES = 20
MOST = 1_000
"""Unsealed events that are named, at most."""

WITHOUT_CHECKPOINT = (
    "that the newest events were cut off together with their batches, or that who holds the key "
    "wrote the history anew: give --checkpoint with one that was kept elsewhere"
)
FILTERS = ("action", "outcome", "actor", "target_type", "target_id", "correlation_id")

_BATCHES = """
    SELECT first_seq, last_seq, event_ids, hashes, peaks, checkpoint FROM audit_auditbatch
    WHERE organization_id = %s AND first_seq > %s ORDER BY first_seq LIMIT %s
"""
_EVENTS = """
    SELECT e.organization_id, e.recorded_at, e.event, e.personal, e.action, e.outcome, e.actor,
        e.target_type, e.target_id, e.correlation_id, e.project_id, e.job_id
    FROM unnest(%s::uuid[]) WITH ORDINALITY AS s (id, place)
    LEFT JOIN audit_auditevent e ON e.id = s.id
    ORDER BY s.place
"""
# One statement, one moment: what is sealed meanwhile is in one of the three.
_UNSEALED = """
    SELECT id FROM audit_auditevent WHERE organization_id = %(of)s
    EXCEPT SELECT event_id FROM audit_pending WHERE organization_id = %(of)s
    EXCEPT SELECT unnest(event_ids) FROM audit_auditbatch WHERE organization_id = %(of)s
    LIMIT %(most)s
"""
_SEALED_ELSEWHERE = """
    SELECT DISTINCT s.id FROM audit_auditbatch b, unnest(b.event_ids) AS s (id)
    WHERE b.first_id <= %(last)s AND b.last_id >= %(first)s AND s.id = ANY (%(ids)s::uuid[])
"""
_PENDING = """
    SELECT p.event_id, e.id IS NOT NULL FROM audit_pending p LEFT JOIN audit_auditevent e
        ON e.organization_id = p.organization_id AND e.id = p.event_id
    WHERE p.organization_id = %s
"""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A row of `audit_auditbatch`, as it is there now."""

    first: int
    last: int
    ids: list[UUID]
    leaves: list[bytes]
    peaks: list[bytes]
    checkpoint: str


def verify(
    cursor: Cursor,
    organization_id: int,
    trusted: Sequence[PublicKey],
    checkpoints: Sequence[Head] = (),
) -> Report:
    """Look at everything of one organization. checkpoints: heads of it that were kept elsewhere."""
    report = Report(organization_id=organization_id)
    wanted = {head.size: head for head in checkpoints}
    peaks: list[bytes] | None = []
    lost = 0
    for batch in _batches(cursor, organization_id):
        if batch.first != report.size + 1:
            report.find("gap", report.size + 1, batch.first - 1)
            lost += batch.first - 1 - report.size
            peaks = None
        peaks = _verify_tree(report, batch, peaks, trusted, wanted)
        _verify_events(cursor, report, batch)
        report.size = batch.last
    longest = max(wanted, default=0)
    if longest > report.size:
        report.find("rollback", report.size + 1, longest)
        lost += longest - report.size
    if not checkpoints:
        report.not_excluded.append(WITHOUT_CHECKPOINT)
    _verify_unsealed(cursor, report, lost)
    return report


def _batches(cursor: Cursor, organization_id: int) -> Iterator[Batch]:
    after = 0
    while True:
        cursor.execute(_BATCHES, (organization_id, after, BATCHES))
        rows = cursor.fetchall()
        for first, last, ids, hashes, peaks, checkpoint in rows:
            leaves, after = merkle.split(bytes(hashes)), first
            yield Batch(
                first=first,
                last=last,
                ids=ids,
                leaves=leaves,
                peaks=merkle.split(bytes(peaks)),
                checkpoint=checkpoint,
            )
        if len(rows) < BATCHES:
            return


def _verify_tree(
    report: Report,
    batch: Batch,
    peaks: list[bytes] | None,
    trusted: Sequence[PublicKey],
    wanted: dict[int, Head],
) -> list[bytes] | None:
    """The peaks after this batch, as far as something signed vouches for them; None if nothing."""
    try:
        head = opened(batch.checkpoint, trusted)
    except BadCheckpoint:
        report.find("signature", batch.first, batch.last)
        head = None
    whole = len(batch.leaves) == len(batch.ids) == batch.last - batch.first + 1
    about_this = head and (head.organization_id, head.size) == (report.organization_id, batch.last)
    ours = whole and (head is None or about_this)
    if peaks is not None and ours:
        _compare(report, batch, peaks, wanted)
        peaks = merkle.grown(peaks, batch.first - 1, batch.leaves)
        if head is None or merkle.root(peaks) == head.root:
            return peaks
    # Behind a batch that is gone or rewritten, go on from what the next signature vouches for.
    is_signed = head and about_this and merkle.root(batch.peaks) == head.root
    if head and (peaks is not None or not ours or not is_signed):
        report.find("root", batch.first, batch.last)
    return batch.peaks if is_signed else None


def _compare(report: Report, batch: Batch, peaks: list[bytes], wanted: dict[int, Head]) -> None:
    """Hold the tree at each size within this batch against a checkpoint that was kept."""
    for size in sorted(size for size in wanted if batch.first <= size <= batch.last):
        at = merkle.grown(peaks, batch.first - 1, batch.leaves[: size - batch.first + 1])
        if merkle.root(at) != wanted[size].root:
            report.find("fork", 1, size)


def _verify_events(cursor: Cursor, report: Report, batch: Batch) -> None:
    cursor.execute(_EVENTS, (batch.ids,))
    sealed = zip(batch.ids, batch.leaves, cursor.fetchall(), strict=False)
    for seq, (event_id, leaf, row) in enumerate(sealed, batch.first):
        organization_id, recorded_at, event, personal, *columns = row
        if organization_id is None:
            report.find("missing", seq, event_id=event_id)
        elif organization_id != report.organization_id:
            report.find("moved", seq, event_id=event_id)
        elif leaf != _leaf(seq, event_id, organization_id, recorded_at, event, personal):
            report.find("changed", seq, event_id=event_id)
        elif columns != _columns(event):
            report.find("column", seq, event_id=event_id)


def _leaf(
    seq: int, event_id: UUID, of: int, recorded_at: datetime, event: str, personal: str | None
) -> bytes:
    return merkle.leaf(
        line(
            seq=seq,
            id=event_id,
            organization_id=of,
            recorded_at=recorded_at.astimezone(UTC),
            event=event,
            personal=personal,
        )
    )


def _columns(event: str) -> list[Any]:
    """What the columns have to say of this text."""
    content = json.loads(event)
    job_id = content.get("job_id")
    told = [content.get(name) for name in FILTERS]
    return [*told, content.get("project_id"), None if job_id is None else UUID(job_id)]


def _verify_unsealed(cursor: Cursor, report: Report, lost: int) -> None:
    """Events that have no seal and will get none; `lost` of them had one, in batches now gone."""
    cursor.execute(_UNSEALED, {"of": report.organization_id, "most": MOST + lost})
    loose = sorted(event_id for (event_id,) in cursor.fetchall())
    if loose:
        cursor.execute(_SEALED_ELSEWHERE, {"ids": loose, "first": loose[0], "last": loose[-1]})
        elsewhere = {event_id for (event_id,) in cursor.fetchall()}
        loose = [event_id for event_id in loose if event_id not in elsewhere]
    for event_id in loose[lost:]:
        report.find("unsealed", event_id=event_id)
    cursor.execute(_PENDING, (report.organization_id,))
    for event_id, is_there in cursor.fetchall():
        report.pending += 1
        if not is_there:
            report.find("missing", event_id=event_id)
