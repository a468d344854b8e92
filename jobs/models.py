"""All tables of this app, imported for Django."""

from jobs.alerts.models import Alert, MinuteCount
from jobs.families.notifications.models import (
    Delivery,
    DeliveryAttempt,
    Endpoint,
    Subscription,
    SuppressedAddress,
)
from jobs.families.search.models import SearchDocument, SearchEntry, SearchGeneration
from jobs.families.transfers.models import (
    Export,
    Import,
    ImportChunk,
    JournalChange,
    RowIssue,
    SavedMapping,
)
from jobs.ledger.breakers import Breaker
from jobs.ledger.controls import QueueControl
from jobs.ledger.models import Attempt, DeadLetter, IdempotencyKey, Job, Worker

__all__ = [
    "Alert",
    "Attempt",
    "Breaker",
    "DeadLetter",
    "Delivery",
    "DeliveryAttempt",
    "Endpoint",
    "Export",
    "IdempotencyKey",
    "Import",
    "ImportChunk",
    "Job",
    "JournalChange",
    "MinuteCount",
    "QueueControl",
    "RowIssue",
    "SavedMapping",
    "SearchDocument",
    "SearchEntry",
    "SearchGeneration",
    "Subscription",
    "SuppressedAddress",
    "Worker",
]
