"""The tables of the family.

`Import` is the truth about one file and how far it has got; `RowIssue` what is wrong with its rows,
`ImportChunk` and `JournalChange` what it changed, for the audit, an entity's history and undo.
`SavedMapping` remembers how files with this header were mapped. `Import.state` is written by
`imports.transitions` only.
"""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import UUID7, Now

from jobs.families.transfers.imports.states import AT_REST, WRITING, ImportState
from tenancy.entities import TenantModel
from tenancy.rls import TenantForeignKey


class BigIntegers(models.Field[list[int], list[int]]):
    """bigint[]. Django's own array field wants an app that asks each new connection for types."""

    def db_type(self, connection: Any) -> str:
        """The column's type."""
        return "bigint[]"


class ImportKind(models.TextChoices):
    """What a file changes."""

    TIMELINE = "timeline"
    ROSTER = "roster"


class Import(TenantModel):
    """One file on its way into an organization.

    file_name is for display only, never a path. survey: what the check found. choices: what a
    person decided (`rules.choices`); choices_version rises with each decision. plan: what the dry
    run found; done: what was committed so far; undo: the same of taking it back. problem: the issue
    that rejected or stopped it. stopped_in: the state that `resume` goes back to. progress: of the
    phase under way, for people to watch. turn: the number of its last job, which only rises.
    checkpoint_row, checkpoint_chunk: the last row and chunk that are committed; while undoing,
    undo_checkpoint: the last chunk that is not taken back yet.
    """

    id = models.UUIDField(primary_key=True, db_default=UUID7(), editable=False)
    kind = models.CharField(max_length=16, choices=ImportKind)
    state = models.CharField(max_length=16, choices=ImportState, default=ImportState.UPLOADED)
    reason = models.CharField(max_length=64, blank=True, default="")
    problem = models.JSONField(null=True)
    stopped_in = models.CharField(max_length=16, blank=True, default="")

    file_name = models.CharField(max_length=300)
    file_bytes = models.BigIntegerField()
    file_sha256 = models.CharField(max_length=64)
    idempotency_key = models.CharField(max_length=128, blank=True, default="")
    same_as = models.UUIDField(null=True)  # a completed import of the same bytes, at upload

    survey = models.JSONField(null=True)
    choices = models.JSONField(default=dict)
    choices_version = models.IntegerField(default=1)
    approve_when_valid = models.BooleanField(default=False)
    plan = models.JSONField(null=True)
    issue_counts = models.JSONField(default=list)  # of level, code, column, count
    done = models.JSONField(default=dict)
    undo = models.JSONField(null=True)
    # which there are, of the state it is in → {rows, key}; their files may outlive their entry here
    reports = models.JSONField(default=dict)
    reports_expired = models.BooleanField(default=False, db_default=False)  # files are to go now

    checkpoint_row = models.BigIntegerField(default=0)
    checkpoint_chunk = models.IntegerField(default=0)
    undo_checkpoint = models.IntegerField(null=True)
    progress = models.JSONField(default=dict)
    turn = models.IntegerField(default=0)
    job_id = models.UUIDField(null=True)

    actor_id = models.CharField(max_length=64)
    approved_by = models.CharField(max_length=64, blank=True, default="")
    correlation_id = models.CharField(max_length=128)
    created_at = models.DateTimeField(db_default=Now())
    approved_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)  # when its last row was committed, for undo
    upload_removed_at = models.DateTimeField(null=True)
    reports_removed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)
        constraints: ClassVar[list[Any]] = [
            # a repeated request gets the same import
            models.UniqueConstraint(
                fields=["organization", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="import_once_per_key",
            ),
            models.UniqueConstraint(
                fields=["organization", "kind"],
                condition=Q(state__in=WRITING),
                name="import_writes_one_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(state__in=AT_REST, finished_at__isnull=False)
                | (~Q(state__in=AT_REST) & Q(finished_at__isnull=True)),
                name="import_is_at_rest_exactly_when_finished",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["rejected", "stopped"]) | ~Q(reason=""),
                name="import_refused_has_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(state="stopped") | Q(stopped_in=""), name="import_stopped_somewhere"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["approved", "committing", "completed"])
                | ~Q(approved_by="", approved_at__isnull=True),
                name="import_is_committed_only_when_approved",
            ),
            models.CheckConstraint(
                condition=Q(checkpoint_row__gte=0, checkpoint_chunk__gte=0),
                name="import_checkpoint_is_a_place",
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            # the list: newest first, of all states, is the table's UNIQUE (organization_id, id)
            models.Index(fields=["organization", "state", "-id"], name="import_by_state"),
            # "again?": a completed import of the same bytes
            models.Index(fields=["organization", "file_sha256"], name="import_of_bytes"),
            # retention: files that are still there
            models.Index(
                fields=["created_at"],
                name="import_with_upload",
                condition=Q(upload_removed_at__isnull=True),
            ),
            models.Index(
                fields=["finished_at"],
                name="import_with_reports",
                condition=Q(reports_removed_at__isnull=True, finished_at__isnull=False),
            ),
            models.Index(
                fields=["id"],
                name="import_with_expired_reports",
                condition=Q(reports_expired=True),
            ),
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing more happens to it by itself."""
        return self.state in AT_REST


class IssueLevel(models.TextChoices):
    """`row`: the row is not imported. `warn`: it is, all the same. `file`: nothing is."""

    FILE = "file"
    ROW = "row"
    WARN = "warn"


class RowIssue(TenantModel):
    """What is wrong with one row: of the first 100,000; all of them are in the report.

    row: 0 for what the dry run found about the file as a whole, or about somebody it leaves out.
    Texts are English and in the words of `files.issues`; `code` is stable.
    """

    of_import = TenantForeignKey(
        Import, models.CASCADE, related_name="issues", db_column="import_id", db_index=False
    )
    level = models.CharField(max_length=8, choices=IssueLevel)
    code = models.CharField(max_length=64)
    message = models.TextField()
    row = models.BigIntegerField()
    line = models.BigIntegerField(null=True)
    column = models.TextField(null=True)
    letter = models.CharField(max_length=8, null=True)
    field = models.CharField(max_length=64, null=True)
    value = models.TextField(null=True)
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ("row", "id")
        indexes: ClassVar[list[Any]] = [
            # the page: in the order of the file, all or those of one code
            models.Index(
                fields=["organization", "of_import", "row", "id"], name="rowissue_in_order"
            ),
            models.Index(
                fields=["organization", "of_import", "code", "row"], name="rowissue_by_code"
            ),
        ]

    def __str__(self) -> str:
        return f"row {self.row}: {self.code}"


class ImportChunk(TenantModel):
    """What one transaction of a commit, or of taking it back, did; never changed.

    added_ids, added_rows, added_digests: the entries that it added, in one order, and of each its
    row in the file and the first 16 bytes of its digest as written. changes_sha256: over the
    ordered list of all that it changed: entity, kind, digest before, digest after (`sql/`).
    """

    of_import = TenantForeignKey(
        Import, models.CASCADE, related_name="chunks", db_column="import_id", db_index=False
    )
    is_undo = models.BooleanField(default=False)
    number = models.IntegerField()
    first_row = models.BigIntegerField()
    last_row = models.BigIntegerField()
    added = models.IntegerField()
    changed = models.IntegerField()
    unchanged = models.IntegerField()
    removed = models.IntegerField()
    failed = models.IntegerField()
    added_ids = BigIntegers(default=list)
    added_rows = BigIntegers(default=list)
    added_digests = models.BinaryField(default=bytes)
    first_added_id = models.BigIntegerField(null=True)
    last_added_id = models.BigIntegerField(null=True)
    changes_sha256 = models.CharField(max_length=64)
    job_id = models.UUIDField()
    committed_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("number",)
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["organization", "of_import", "is_undo", "number"], name="importchunk_once"
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            # an entry's history: which import added it
            models.Index(
                fields=["organization", "last_added_id", "first_added_id"],
                name="importchunk_that_added",
                condition=Q(is_undo=False, last_added_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"chunk {self.number} of {self.of_import_id}"


class JournalKind(models.TextChoices):
    """What was done to an entity; those that were added stand in their chunk."""

    CHANGED = "changed"
    REMOVED = "removed"


class JournalChange(TenantModel):
    """An entity as it was before an import changed or removed it; never changed.

    before: its columns. digest_after: the first 16 bytes of its digest as written, so that undo
    knows whether somebody has touched it since. entity_id names no reference: it outlives the row.
    """

    # Neither is looked up for each row, 8 µs: row security lets in none but those of the scope, and
    # the chunk that is written along names both.
    organization = models.ForeignKey(
        "tenancy.Organization",
        models.PROTECT,
        related_name="+",
        editable=False,
        db_index=False,
        db_constraint=False,
    )
    import_id = models.UUIDField()
    chunk = models.IntegerField()
    row = models.BigIntegerField(null=True)  # none for what was removed because it was not there
    kind = models.CharField(max_length=8, choices=JournalKind)
    entity_id = models.BigIntegerField()
    before = models.JSONField()
    digest_after = models.BinaryField(null=True)

    class Meta:
        ordering = ("id",)
        constraints: ClassVar[list[Any]] = [
            # undo: a chunk's
            models.UniqueConstraint(
                fields=["organization", "import_id", "chunk", "entity_id"],
                name="journalchange_once",
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            # an entity's history
            models.Index(
                fields=["organization", "entity_id", "-id"], name="journalchange_of_entity"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.entity_id}"


class SavedMapping(TenantModel):
    """How a file with this header was mapped last, offered for the next one.

    choices: of each column by its index the field. value_maps: as `rules.choices` has them.
    """

    kind = models.CharField(max_length=16, choices=ImportKind)
    fingerprint = models.CharField(max_length=64)
    choices = models.JSONField()
    value_maps = models.JSONField(default=dict, db_default={})
    actor_id = models.CharField(max_length=64)
    saved_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["organization", "kind", "fingerprint"], name="savedmapping_once"
            ),
        ]

    def __str__(self) -> str:
        return self.fingerprint


class ExportState(models.TextChoices):
    """Where an export stands, and who moves it on."""

    QUEUED = "queued"
    """Its job waits. A worker moves it on, or whoever cancels it."""
    RUNNING = "running"
    """A worker writes the file. A killed one begins anew: another snapshot, another object."""
    COMPLETED = "completed"
    """The file can be downloaded until `expires_at`. The scheduler moves it on."""
    FAILED = "failed"
    """Its job is dead; `error` says why. Retrying the job begins anew."""
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    """The file is removed: after its days, or because the organization was suspended."""


class Export(TenantModel):
    """What an organization has, written to one file.

    fields: names of `rules.fields`, in the order of the columns. filters: what was asked for.
    total: the rows that the snapshot has, once it is open. rows, bytes: so far, and in the end.
    object_key: where this attempt writes; empty once the object is removed. manifest: what stands
    beside the file in the store.
    """

    id = models.UUIDField(primary_key=True, db_default=UUID7(), editable=False)
    kind = models.CharField(max_length=16, choices=ImportKind)
    format = models.CharField(max_length=16)
    fields = models.JSONField(default=list)
    filters = models.JSONField(default=dict)
    state = models.CharField(max_length=16, choices=ExportState, default=ExportState.QUEUED)
    error = models.CharField(max_length=64, blank=True, default="")

    total = models.BigIntegerField(null=True)
    rows = models.BigIntegerField(default=0)
    bytes = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    file_name = models.CharField(max_length=150, blank=True, default="")
    object_key = models.CharField(max_length=200, blank=True, default="")
    manifest = models.JSONField(null=True)

    job_id = models.UUIDField(null=True)
    actor_id = models.CharField(max_length=64)
    correlation_id = models.CharField(max_length=128)
    created_at = models.DateTimeField(db_default=Now())
    cancel_requested_at = models.DateTimeField(null=True)
    snapshot_at = models.DateTimeField(null=True)
    progress_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running"], finished_at__isnull=True)
                | (~Q(state__in=["queued", "running"]) & Q(finished_at__isnull=False)),
                name="export_is_over_exactly_when_finished",
            ),
            models.CheckConstraint(
                condition=~Q(state="completed")
                | (~Q(object_key="") & ~Q(sha256="") & Q(expires_at__isnull=False)),
                name="export_completed_has_a_file",
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            # retention: what has a file and is over
            models.Index(
                fields=["expires_at"],
                condition=~Q(object_key="") & ~Q(state__in=["queued", "running"]),
                name="export_to_remove",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} as {self.format}"
