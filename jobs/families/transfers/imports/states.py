"""The states of an import, what each means, and who moves it on.

    upload ──► uploaded ──check──► mapped ──validate──► validated ──approve──► approved
                │ ▲  │               ▲                    │  ▲                    │
                │ │  └─ask─► checked │                    │  └────review──────────┤
                │ └──choose────┘─────┘◄─────choose────────┘                     begin
                ▼                                                                 ▼
             rejected ◄── (check, validate)            completed ◄──complete── committing
                                                          │
         stopped ◄──stop── any that a worker moves on     └──undo──► undoing ──► undone
         stopped ──resume──► where it stopped                          ▲
         cancelled ◄──cancel── any that is not at rest                 │
         stopped, cancelled, with rows committed ─────────undo─────────┘

Each arrow is one function in `transitions`, whose statement says which states it may leave, and
which writes the arrow's audit event; nothing else writes the column.
"""

from django.db import models


class ImportState(models.TextChoices):
    """Where an import stands."""

    UPLOADED = "uploaded"
    """The file is stored, with what was chosen so far. A worker checks it and moves it on."""
    CHECKED = "checked"
    """The check has questions. A person answers them: `choose` moves it on."""
    MAPPED = "mapped"
    """All is decided. A worker makes the dry run and moves it on."""
    VALIDATED = "validated"
    """The plan is there, with every error. A person approves it, or chooses again."""
    APPROVED = "approved"
    """In line to be committed: for a worker, and for other imports of the same target."""
    COMMITTING = "committing"
    """A worker commits chunk after chunk; `checkpoint_row` says how far it has got."""
    COMPLETED = "completed"
    """All rows that could be committed are. Undo moves it on, for a while."""
    REJECTED = "rejected"
    """The whole file is refused, `reason` says why; nothing was written. Final."""
    STOPPED = "stopped"
    """Something went wrong; what was committed stays. A person resumes, undoes or leaves it."""
    CANCELLED = "cancelled"
    """A person ended it; what was committed stays, and can be undone."""
    UNDOING = "undoing"
    """A worker takes back chunk after chunk, the last first."""
    UNDONE = "undone"
    """Taken back, but for what somebody has touched since. Final."""


WORKING = (
    ImportState.UPLOADED,
    ImportState.MAPPED,
    ImportState.APPROVED,
    ImportState.COMMITTING,
    ImportState.UNDOING,
)
"""A worker moves it on."""

ASKING = (ImportState.CHECKED, ImportState.VALIDATED)
"""A person moves it on."""

AT_REST = (
    ImportState.COMPLETED,
    ImportState.REJECTED,
    ImportState.STOPPED,
    ImportState.CANCELLED,
    ImportState.UNDONE,
)
"""Nothing more happens by itself."""

WRITING = (ImportState.COMMITTING, ImportState.UNDOING)
"""It changes the domain: one of an organization and kind at a time."""
