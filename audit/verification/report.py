"""What a verification found."""

from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

KINDS = {
    "changed": "the event is not the one that was sealed",
    "missing": "the event is gone",
    "moved": "the event stands in the log of another organization",
    "column": "a column to filter by says other than the event",
    "unsealed": "the event is in no batch, and does not wait for one",
    "gap": "the batch is gone",
    "root": "the batch is not the one that was signed",
    "signature": "no trusted key signed the batch",
    "rollback": "the log is shorter than a checkpoint that was kept",
    "fork": "the log is another one than that of a checkpoint that was kept",
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is not as it was. kind: of KINDS.

    first_seq, last_seq: which events; None for one that never had a seq. event_id: of one event.
    """

    kind: str
    organization_id: int
    first_seq: int | None = None
    last_seq: int | None = None
    event_id: str | None = None

    def __str__(self) -> str:
        if self.first_seq is None:
            place = f"event {self.event_id}"
        elif self.first_seq == self.last_seq:
            place = f"seq {self.first_seq}"
        else:
            place = f"seq {self.first_seq} to {self.last_seq}"
        return f"organization {self.organization_id}, {place}: {self.kind}, {KINDS[self.kind]}"


@dataclass(kw_only=True)
class Report:
    """Of one organization. size: sealed events; pending: those that wait for their seal.

    not_excluded: what nobody could see with what was given.
    """

    organization_id: int
    size: int = 0
    pending: int = 0
    findings: list[Finding] = field(default_factory=list)
    not_excluded: list[str] = field(default_factory=list)

    def find(
        self,
        kind: str,
        first: int | None = None,
        last: int | None = None,
        *,
        event_id: UUID | None = None,
    ) -> None:
        """Add a finding at one seq, or at those from `first` to `last`."""
        one = Finding(
            kind=kind,
            organization_id=self.organization_id,
            first_seq=first,
            last_seq=first if last is None else last,
            event_id=None if event_id is None else str(event_id),
        )
        self.findings.append(one)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)
