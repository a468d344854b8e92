"""The tables of the family: the counter, the generations, and the documents of the own backend.

`SearchEntry` is the truth about which documents there are and which version of each is the newest;
`counter` writes it. `SearchGeneration` is one build of one organization's index, whatever backend
holds it; `generations` writes it. `SearchDocument` is the index of the PostgreSQL backend: it can
be dropped and built again from the first two.
"""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tenancy.entities import TenantModel
from tenancy.rls import TenantForeignKey


class Words(models.Field[str, str]):
    """tsvector. Django's own wants an app that asks each new connection for types."""

    def db_type(self, connection: Any) -> str:
        """The column's type."""
        return "tsvector"


class Kind(models.TextChoices):
    """What a document is about."""

    MISSION = "mission"
    PROJECT = "project"


class SearchEntry(TenantModel):
    """One document that the index has to hold, and its newest version.

    version: rises with every change, also by deleting and creating again; never from a clock.
    deleted: the document is a tombstone.
    digest: of the content of this version, once an index job has read it; empty until then.
    changed_at: when this version was counted.
    """

    kind = models.CharField(max_length=16, choices=Kind)
    entity_id = models.BigIntegerField()
    version = models.BigIntegerField(default=1)
    deleted = models.BooleanField(default=False)
    digest = models.CharField(max_length=32, blank=True, default="")
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "search_entry"
        constraints: ClassVar[list[Any]] = [
            # the counter's upsert, index jobs, and the scans of reindex and reconciler
            models.UniqueConstraint(
                fields=["organization", "kind", "entity_id"], name="searchentry_once"
            ),
            models.CheckConstraint(condition=Q(version__gte=1), name="searchentry_counts_from_one"),
        ]
        indexes: ClassVar[list[Any]] = [
            # the purge: tombstones, oldest first
            models.Index(
                fields=["changed_at"], name="searchentry_tombstones", condition=Q(deleted=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.entity_id} version {self.version}"


class GenerationState(models.TextChoices):
    """`building`: a reindex fills it, and index jobs write it. `live`: readers use it.

    `retired`: it was live, and is written until `drop_at`, so that going back is one step.
    `dropped`: nothing of it is left, or what is left is being removed.
    """

    BUILDING = "building"
    LIVE = "live"
    RETIRED = "retired"
    DROPPED = "dropped"


WRITTEN = (GenerationState.BUILDING, GenerationState.LIVE, GenerationState.RETIRED)
"""The generations that every index job writes."""


class SearchGeneration(TenantModel):
    """One build of one organization's index. Its id is the short number that its words begin with.

    backend: the name of the backend that holds it.
    checkpoint_kind, checkpoint_id: the last entry of the last chunk that the backend acknowledged.
    done, total: documents written by the reindex, and those it found when it began.
    per_second: the reindex writes no more than that; empty for as fast as it can.
    reason: why it was made, or why it was dropped before it became live.
    removed_at: when the backend had nothing of it any more.
    check_due_at: when it is to be compared next.
    checked_at, drift: when the reconciler last compared it, and how many differences of each kind
        it found.
    """

    backend = models.CharField(max_length=32)
    state = models.CharField(
        max_length=16, choices=GenerationState, default=GenerationState.BUILDING
    )
    checkpoint_kind = models.CharField(max_length=16, blank=True, default="")
    checkpoint_id = models.BigIntegerField(default=0)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    per_second = models.IntegerField(null=True)
    turn = models.IntegerField(default=0)
    job_id = models.UUIDField(null=True)
    reason = models.CharField(max_length=300, blank=True, default="")
    cancel_requested_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    progress_at = models.DateTimeField(null=True)
    live_at = models.DateTimeField(null=True)
    drop_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)
    check_due_at = models.DateTimeField(db_default=Now())
    checked_at = models.DateTimeField(null=True)
    drift = models.JSONField(default=dict)

    class Meta:
        db_table = "search_generation"
        ordering = ("-id",)
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(state="live"),
                name="searchgeneration_one_is_live",
            ),
            # two reindexes at once: the second is refused
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(state="building"),
                name="searchgeneration_one_is_built",
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            # the reconciler: which live ones are to be compared
            models.Index(
                fields=["check_due_at"],
                name="searchgeneration_to_check",
                condition=Q(state="live"),
            ),
            # the scheduler: what is to be dropped or removed
            models.Index(
                fields=["drop_at"],
                name="searchgeneration_to_drop",
                condition=Q(removed_at__isnull=True, state__in=["retired", "dropped"]),
            ),
        ]

    def __str__(self) -> str:
        return f"generation {self.pk}, {self.state}"


class SearchDocument(TenantModel):
    """A document in the index of the PostgreSQL backend; a tombstone has no words.

    vector: weights A title and reference, B project, C people, D text; every word begins with the
        generation's number.
    digest: of the document, as it was given. checksum: of this row as it was written: one that was
        altered by hand has another.
    """

    generation = TenantForeignKey(
        SearchGeneration, models.PROTECT, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=16, choices=Kind)
    entity_id = models.BigIntegerField()
    version = models.BigIntegerField()
    deleted = models.BooleanField(default=False)
    project_id = models.BigIntegerField(null=True)
    title = models.TextField(blank=True, default="")
    vector = Words()
    digest = models.CharField(max_length=32)
    checksum = models.BigIntegerField()

    class Meta:
        db_table = "search_document"
        constraints: ClassVar[list[Any]] = [
            # the compare-and-set write
            models.UniqueConstraint(
                fields=["organization", "generation", "kind", "entity_id"],
                name="searchdocument_once",
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            # the scan in its order, which also finds what claims another organization
            models.Index(
                fields=["generation", "kind", "entity_id"], name="searchdocument_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.entity_id} version {self.version}"
