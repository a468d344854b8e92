"""What happened, as one canonical text with the columns generated from it, and how it is sealed."""

from typing import Any, ClassVar

from django.db import models
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import UUID7, Cast, Now

from tenancy.entities import TenantModel


def _from_event(name: str, of: "models.Field[Any, Any] | None" = None) -> Any:
    """A column that PostgreSQL fills from the event's text."""
    expression: Any = KeyTextTransform(name, Cast("event", models.JSONField()))
    output = of or models.TextField()
    if of is not None:
        expression = Cast(expression, of)
    return models.GeneratedField(
        expression=expression, output_field=output, db_persist=True, null=True
    )


class AuditEvent(TenantModel):
    """Something that was done, tried or seen; never changed and never deleted.

    event: canonical JSON (RFC 8785); what seals and replicas are made of.
    personal: the part about persons, apart so that it can be erased without touching the event.
    """

    id = models.UUIDField(primary_key=True, db_default=UUID7(), editable=False)
    # An organization that is deleted keeps its log.
    organization = models.ForeignKey(
        "tenancy.Organization",
        models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    event = models.TextField()
    personal = models.TextField(null=True)
    recorded_at = models.DateTimeField(db_default=Now())

    action = _from_event("action")
    outcome = _from_event("outcome")
    actor = _from_event("actor")
    target_type = _from_event("target_type")
    target_id = _from_event("target_id")
    project_id = _from_event("project_id", of=models.BigIntegerField())
    correlation_id = _from_event("correlation_id")
    job_id = _from_event("job_id", of=models.UUIDField())

    class Meta:
        ordering = ("-id",)
        indexes: ClassVar[list[Any]] = [
            # newest first: the table's UNIQUE (organization_id, id), read backwards
            models.Index(
                fields=["organization", "target_type", "target_id", "-id"],
                name="auditevent_of_target",
            ),
            models.Index(
                fields=["organization", "correlation_id"], name="auditevent_of_correlation"
            ),
            models.Index(fields=["organization", "actor", "-id"], name="auditevent_of_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target_type} {self.target_id}"


class UuidArray(models.Field[Any, Any]):
    """uuid[]. Django's own array field wants an app that asks each new connection for types."""

    def db_type(self, connection: Any) -> str:
        """The column's type."""
        return "uuid[]"


class AuditBatch(TenantModel):
    """Events of one organization that were sealed together; written by `audit_seal` alone.

    first_seq, last_seq: of its events; the first of an organization is 1, and none is left out.
    event_ids: in the order of seq. first_id, last_id: the smallest and largest of them, to find the
    batch of an event by.
    hashes: of the lines, 32 bytes each; they stay when events go.
    peaks: of the tree of the organization up to last_seq (`audit.sealing.merkle`).
    checkpoint: its signed head, with its root.
    """

    organization = models.ForeignKey(
        "tenancy.Organization",
        models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    first_seq = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    event_ids = UuidArray()
    first_id = models.UUIDField()
    last_id = models.UUIDField()
    hashes = models.BinaryField()
    peaks = models.BinaryField()
    checkpoint = models.TextField()
    sealed_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["organization", "last_id"], name="auditbatch_of_event")
        ]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["organization", "first_seq"], name="auditbatch_first_seq"
            )
        ]

    def __str__(self) -> str:
        return f"{self.first_seq} to {self.last_seq}"
