"""All tables of this app, imported for Django."""

from jobs.ledger.models import Attempt, DeadLetter, IdempotencyKey, Job, Worker

__all__ = ["Attempt", "DeadLetter", "IdempotencyKey", "Job", "Worker"]
