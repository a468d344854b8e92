"""The audit log of an organization: list, show, and prove."""

import json
from typing import Annotated, Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Path, Query, Router, Schema
from pydantic import AwareDatetime, Field

from audit.models import AuditEvent
from audit.sealing import proofs
from tenancy.access import Permission
from tenancy.api.fields import MAX_ID, UNCHANGED, Out, PathId
from tenancy.api.pages import Items, Page, UuidPageQuery, find, page
from tenancy.api.permission import ServiceToken
from tenancy.api.problems import not_found, refused

router = Router(tags=["audit"])
read = ServiceToken(Permission.AUDIT_VIEW)

Text = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
FILTERS = ("action", "actor", "target_type", "target_id", "correlation_id")


class AuditQuery(UuidPageQuery):
    """Which events; every filter is an exact match."""

    action: Text = UNCHANGED
    actor: Text = UNCHANGED
    target_type: Text = UNCHANGED
    target_id: Text = UNCHANGED
    correlation_id: Text = UNCHANGED


class AuditEventOut(Out):
    """Something that was done, tried or seen.

    event: the canonical content, as sealed and replicated. personal: changes of fields that are
    about a person; null when there are none, or when they were erased.
    """

    id: UUID
    recorded_at: AwareDatetime
    event: dict[str, Any]
    personal: dict[str, Any] | None

    @staticmethod
    def resolve_event(row: AuditEvent) -> Any:
        """The stored text, read."""
        return json.loads(row.event)

    @staticmethod
    def resolve_personal(row: AuditEvent) -> Any:
        """The stored text, read."""
        return None if row.personal is None else json.loads(row.personal)


class ProofOut(Out):
    """That an event is in the log; to be checked without us.

    All are null while the event waits for its seal, for seconds. line: the bytes that are hashed;
    the leaf is SHA-256 of 0x00 and the line. proof: hashes in base64 (RFC 6962, 2.1.1), for the
    leaf `seq - 1`. checkpoint: the signed head that they lead to (C2SP tlog-checkpoint).
    """

    seq: int | None
    line: str | None
    proof: list[str] | None
    checkpoint: str | None


class ConsistencyOut(Out):
    """That a log only grew between two checkpoints (RFC 6962, 2.1.2); proof: hashes in base64."""

    first: str
    second: str
    proof: list[str]


class CheckpointOut(Out):
    """The newest signed head (C2SP tlog-checkpoint). size: events that are sealed."""

    size: int = Field(alias="last_seq")
    checkpoint: str


class Sizes(Schema):
    """Which two heads: the numbers of events that they have."""

    first: Annotated[int, Field(ge=1, le=MAX_ID)]
    second: Annotated[int, Field(ge=1, le=MAX_ID)]


def _events(organization_id: int) -> QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(organization_id=organization_id)


@router.get("", auth=read, response=Page[AuditEventOut])
def list_audit_events(
    request: HttpRequest, organization_id: PathId, query: Query[AuditQuery]
) -> Items:
    """Audit events, newest first."""
    wanted = {name: getattr(query, name) for name in FILTERS}
    rows = _events(organization_id).filter(
        **{name: value for name, value in wanted.items() if value is not None}
    )
    return page(rows, query, request)


@router.get("/checkpoint", auth=read, response=CheckpointOut)
def show_audit_checkpoint(request: HttpRequest, organization_id: PathId) -> Any:
    """The newest signed head of the log; keep it elsewhere. 404 while nothing is sealed."""
    head = proofs.last_head(organization_id)
    if head is None:
        raise not_found()
    return head


@router.get("/consistency", auth=read, response=ConsistencyOut)
def prove_audit_consistency(
    request: HttpRequest, organization_id: PathId, sizes: Query[Sizes]
) -> Any:
    """Proof that the log at one checkpoint is the beginning of the log at a later one."""
    if sizes.second < sizes.first:
        raise refused("query.second", "too_small", "The second head is not before the first.")
    try:
        found = proofs.consistency(organization_id, sizes.first, sizes.second)
    except proofs.TooFar:
        text = f"More than {proofs.MOST} events lie between; prove it over a head between them."
        raise refused("query.second", "too_far", text) from None
    if found is None:
        raise not_found()
    return found.as_dict()


@router.get("/{event_id}", auth=read, response=AuditEventOut)
def show_audit_event(
    request: HttpRequest, organization_id: PathId, event_id: Path[UUID]
) -> AuditEvent:
    """One audit event."""
    return find(_events(organization_id), event_id)


@router.get("/{event_id}/proof", auth=read, response=ProofOut)
def prove_audit_event(request: HttpRequest, organization_id: PathId, event_id: Path[UUID]) -> Any:
    """Proof that one event is in the log; null while it waits for its seal, for seconds."""
    return proofs.inclusion(find(_events(organization_id), event_id)).as_dict()
