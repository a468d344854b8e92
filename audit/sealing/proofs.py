"""Proofs for others: that an event is in the log, and that one head of it grew into a later one."""

import base64
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from audit.models import AuditBatch, AuditEvent
from audit.sealing.line import line
from audit.sealing.merkle import Grown, split

MOST = 250_000
"""Events between two heads whose consistency is proved at once."""


class TooFar(Exception):
    """More events than MOST lie between two heads; prove it over a head between them."""


@dataclass(frozen=True, kw_only=True)
class Inclusion:
    """That an event is the leaf `seq - 1` of the tree that the checkpoint signs (RFC 6962, 2.1.1).

    line: the bytes that are hashed, as text. All are None while the event waits for its seal.
    """

    seq: int | None = None
    line: str | None = None
    proof: list[bytes] | None = None
    checkpoint: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON; the hashes in base64."""
        return asdict(self) | {"proof": None if self.proof is None else _texts(self.proof)}


@dataclass(frozen=True, kw_only=True)
class Consistency:
    """That the tree of the first checkpoint is the beginning of the second's (RFC 6962, 2.1.2)."""

    first: str
    second: str
    proof: list[bytes]

    def as_dict(self) -> dict[str, Any]:
        """For JSON; the hashes in base64."""
        return asdict(self) | {"proof": _texts(self.proof)}


def inclusion(event: AuditEvent) -> Inclusion:
    """The proof of an event. Costs by the batch that it is in, not by the log."""
    batch = batch_of(event.organization_id, event.pk)
    if batch is None:
        return Inclusion()
    index = batch.event_ids.index(event.pk)
    return Inclusion(
        seq=batch.first_seq + index,
        line=line(
            seq=batch.first_seq + index,
            id=event.pk,
            organization_id=event.organization_id,
            recorded_at=event.recorded_at,
            event=event.event,
            personal=event.personal,
        ).decode(),
        proof=_grown(batch.organization_id, batch.first_seq - 1, [batch]).inclusion(
            batch.first_seq - 1 + index
        ),
        checkpoint=batch.checkpoint,
    )


def consistency(organization_id: int, first: int, second: int) -> Consistency | None:
    """The proof between two heads, by their sizes; None where one of them is no head.

    Raises `TooFar`.
    """
    if second - first > MOST:
        raise TooFar
    batches = list(
        AuditBatch.objects.filter(
            organization_id=organization_id, first_seq__gt=first, last_seq__lte=second
        ).order_by("first_seq")
    )
    older = _head(organization_id, first)
    newer = _head(organization_id, second)
    if older is None or newer is None:
        return None
    grown = _grown(organization_id, first, batches)
    return Consistency(first=older.checkpoint, second=newer.checkpoint, proof=grown.consistency())


def last_head(organization_id: int) -> AuditBatch | None:
    """The batch with the newest checkpoint."""
    batches = AuditBatch.objects.filter(organization_id=organization_id)
    return batches.order_by("-first_seq").first()


def batch_of(organization_id: int, event_id: UUID) -> AuditBatch | None:
    """The batch that has this event, found by the ids between which those of each batch lie."""
    return (
        AuditBatch.objects.filter(
            organization_id=organization_id, first_id__lte=event_id, last_id__gte=event_id
        )
        .extra(where=["%s = ANY (event_ids)"], params=[event_id])
        .order_by("last_id")
        .first()
    )


def _texts(hashes: list[bytes]) -> list[str]:
    return [base64.b64encode(one).decode() for one in hashes]


def _head(organization_id: int, size: int) -> AuditBatch | None:
    """The batch whose checkpoint has this size: the last one that begins no later."""
    found = AuditBatch.objects.filter(organization_id=organization_id, first_seq__lte=size)
    last = found.order_by("-first_seq").first()
    return last if last and last.last_seq == size else None


def _grown(organization_id: int, size: int, batches: list[AuditBatch]) -> Grown:
    before = _head(organization_id, size) if size else None
    peaks = split(bytes(before.peaks)) if before else []
    leaves = [leaf for batch in batches for leaf in split(bytes(batch.hashes))]
    return Grown(peaks=peaks, size=size, leaves=leaves)
