"""What happened to a job and what comes next, in sentences and in a timeline to scale.

Pure: from the rows of a job and its attempts, as of a moment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.ledger.models import AttemptOutcome
from jobs.ledger.states import State
from jobs.ledger.transitions import RESTORE_WINDOW
from jobs.models import Attempt, Job
from tenancy.admin.times import span

REASONS = {
    "retries_exhausted": "its last retry failed",
    "permanent_error": "it failed in a way that no retry mends",
    "authorization_revoked": "whoever asked for it does not hold the permission",
    "document_refused": "the search index can never take its document as it stands",
    "payload_invalid": "its payload does not fit its job type",
    "undecodable": "its message could not be read",
    "unknown_job_type": "no job type of its name is declared here",
    "unknown_job": "its message names a job that does not exist",
    "worker_lost": "worker after worker died under it",
    "time_limit": "it ran longer than it may",
    "endpoint_disabled": "its endpoint is disabled or gone",
    "address_refused": "no webhook may go to this address",
    "payload_too_large": "what its template made is too large for a webhook",
    "endpoint_gone": "the receiver answered 410, and the endpoint was disabled",
    "mail_refused": "the mail server refused this mail or mailbox for good",
    "mail_unfit": "what its template made must not be sent as a mail",
    "snapshot_too_long": "its snapshot was open for as long as one may be",
    "too_many_rows": "its format has no room for so many rows",
    "cell_too_long": "its format has no room for so long a text",
}


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A part of a job's life.

    kind: waiting, running, backoff or dead. percent: its share of the whole.
    """

    kind: str
    begin: datetime
    end: datetime
    percent: float
    attempt: int

    @property
    def length(self) -> str:
        """How long it took."""
        return span(self.end - self.begin)


def sentence(
    job: Job, attempts: Sequence[Attempt], now: datetime, replays: Sequence[datetime] = ()
) -> str:
    """What happened, what happens next, and when. replays: when a person retried the dead job."""
    match State(job.state):
        case State.SCHEDULED if job.hold:
            return f"Held: {job.hold.replace('_', ' ')}. It goes on when that ends."
        case State.SCHEDULED:
            return f"Waits for its time, in {span(job.run_at - now)}."
        case State.QUEUED:
            return f"Due for {span(due_for(job, now))}, and not started yet."
        case State.RUNNING:
            return _running(job, now)
        case State.RETRYING:
            return (
                f"Attempt {job.attempt} of {job.max_attempts} failed with {_error(job)}. "
                f"The next one {_when(job, now)}."
            )
        case State.SUCCEEDED:
            again = f" after a person retried it ({len(attempts)} in all)" if replays else ""
            return f"Succeeded at attempt {job.attempt}{again}, {_ago(job.finished_at, now)}."
        case State.DEAD:
            why = REASONS.get(job.reason, job.reason.replace("_", " "))
            return (
                f"Died {_ago(job.finished_at, now)}, because {why}. "
                "Nothing more happens until a person retries or discards it."
            )
        case State.CANCELLED:
            return _cancelled(job, now)


def due_for(job: Job, now: datetime) -> timedelta:
    """How long a job that waits is late: the age that every page and metric speaks of.

    Whether it stands in line by then, and since when, is another matter: a drained or full queue
    lets it in later.
    """
    return max(now - job.run_at, timedelta(0))


def timeline(
    job: Job, attempts: Sequence[Attempt], now: datetime, replays: Sequence[datetime] = ()
) -> list[Stretch]:
    """Waiting, running, backoff and death, one after the other, with their shares of the whole."""
    parts: list[tuple[str, datetime, datetime, int]] = []
    since = job.created_at
    for before, attempt in zip([None, *attempts], attempts, strict=False):
        parts.append((_before(attempt, before, replays), since, attempt.started_at, attempt.number))
        since = attempt.ended_at or now
        parts.append(("running", attempt.started_at, since, attempt.number))
    if not job.is_final and job.state != State.RUNNING:
        end = max(now, job.run_at)
        parts.append((_now(job, attempts, replays), since, end, job.attempt))
    total = sum(((end - begin) for _, begin, end, _ in parts), timedelta()).total_seconds()
    return [
        Stretch(
            kind=kind,
            begin=begin,
            end=end,
            attempt=number,
            percent=round(100 * (end - begin).total_seconds() / total, 2) if total else 0,
        )
        for kind, begin, end, number in parts
        if end > begin
    ]


def begins_anew(attempt: Attempt, before: Attempt | None, replays: Sequence[datetime] = ()) -> bool:
    """Whether a person retried the dead job between the two: only then counting starts again."""
    if before is not None and _any_between(replays, before.started_at, attempt.started_at):
        return True
    if before is None or attempt.number > before.number:
        return False
    return attempt.number < before.number or before.outcome == AttemptOutcome.FAILED


def _any_between(moments: Sequence[datetime], begin: datetime, end: datetime) -> bool:
    return any(begin < one <= end for one in moments)


def _before(attempt: Attempt, before: Attempt | None, replays: Sequence[datetime]) -> str:
    if before is None:
        return "waiting"
    return "dead" if begins_anew(attempt, before, replays) else "backoff"


def _now(job: Job, attempts: Sequence[Attempt], replays: Sequence[datetime]) -> str:
    if not attempts:
        return "waiting"
    if any(one > attempts[-1].started_at for one in replays):
        return "dead"
    is_replayed = job.attempt == 0 and attempts[-1].outcome == AttemptOutcome.FAILED
    return "dead" if is_replayed else "backoff"


def _running(job: Job, now: datetime) -> str:
    asked = " Somebody asked it to end." if job.cancel_requested_at else ""
    began = f"began {_ago(job.started_at, now)}"
    if job.started_at is None:  # its worker says so at the next heartbeat
        began = f"is with a worker, which took it {_ago(job.claimed_at, now)}"
    return f"Attempt {job.attempt} of {job.max_attempts} {began}.{asked}"


def _cancelled(job: Job, now: datetime) -> str:
    if job.cancel_requested_at is not None:
        return f"Cancelled {_ago(job.finished_at, now)} while it ran. {job.error_message}"
    if job.reason != "discarded" or job.finished_at is None:
        return f"Cancelled {_ago(job.finished_at, now)}; it will not run."
    left = job.finished_at + RESTORE_WINDOW - now
    if left <= timedelta(0):
        return f"Discarded {_ago(job.finished_at, now)}; it will not run."
    return f"Discarded {_ago(job.finished_at, now)}; it can be restored for another {span(left)}."


def _error(job: Job) -> str:
    return job.error_class or "an error"


def _when(job: Job, now: datetime) -> str:
    if job.run_at > now:
        return f"is due in {span(job.run_at - now)}"
    return f"has been due for {span(due_for(job, now))}"


def _ago(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return ""
    return f"{span(now - moment)} ago"
