"""The states of a job, what each means, and who moves it on.

    enqueue ──► scheduled ──publish──► queued ──claim──► running ──settle──► succeeded
                   ▲  ▲                  ▲ ▲                │ │ │
                   │  └──────hold────────│─│────────────────┘ │ │
                   │                     │ └─────release──────┤ │
                cancelled ◄──cancel──    │                    │ │
                   │  ▲              retrying ◄─────retry─────┘ │
             restore  discard            │                      │
                   ▼  │                  └──claim──► running    │
                  dead ◄────────────────bury────────────────────┘
                   └──replay──► queued

Its worker starts a claimed job when a thread is free, and says so with its next heartbeat or with
the end; until it starts, `give_back` undoes the claim as if it had not been. `stop` is running ──►
cancelled, for a job that somebody asked to end.

Each arrow is one function in `transitions`, `enqueue` or `relay`; nothing else writes the column.
"""

from django.db import models


class State(models.TextChoices):
    """Where a job stands."""

    SCHEDULED = "scheduled"
    """Waits in the ledger for `run_at`, or for its hold to end. The relay moves it on."""
    QUEUED = "queued"
    """Due. `published_at` is empty until a claim or the relay saw its message in Redis. A worker
    moves it on."""
    RUNNING = "running"
    """A worker claimed it under the current fence; live while that worker's row is."""
    RETRYING = "retrying"
    """An attempt failed and another follows at `run_at`. A worker moves it on."""
    SUCCEEDED = "succeeded"
    """The effect is done: the completion marker."""
    DEAD = "dead"
    """Needs a person; a dead letter says why. Replay or discard moves it on."""
    CANCELLED = "cancelled"
    """Will not run; `reason` says by what. A discarded one can be restored for a day."""


FINAL = (State.SUCCEEDED, State.DEAD, State.CANCELLED)
WAITING = (State.SCHEDULED, State.QUEUED, State.RETRYING)


class Hold(models.TextChoices):
    """What a scheduled job waits for, other than time."""

    ORGANIZATION_SUSPENDED = "organization_suspended"
    DRAINING = "draining"
    """An operator keeps new work of its queue back."""
    CAPACITY = "capacity"
    """Its queue is as long as it may be."""
    BREAKER = "breaker"
    """Its destination is out of order; the breaker lets it go on."""


class EffectState(models.TextChoices):
    """How far the outside effect of a job got: what a replay may repeat."""

    NOT_BEGUN = "not_begun"
    BEGUN = "begun"
    CONFIRMED = "confirmed"


class Reason(models.TextChoices):
    """Why a dead letter is one; a family may declare more."""

    RETRIES_EXHAUSTED = "retries_exhausted"
    PERMANENT_ERROR = "permanent_error"
    AUTHORIZATION_REVOKED = "authorization_revoked"
    PAYLOAD_INVALID = "payload_invalid"
    UNDECODABLE = "undecodable"
    UNKNOWN_JOB_TYPE = "unknown_job_type"
    UNKNOWN_JOB = "unknown_job"
    WORKER_LOST = "worker_lost"
    TIME_LIMIT = "time_limit"
    ENDPOINT_DISABLED = "endpoint_disabled"
