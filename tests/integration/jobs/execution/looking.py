"""What became of a job, waited for."""

from jobs.execution.in_hand import in_hand
from jobs.ledger.models import Attempt, DeadLetter, Job
from jobs.ledger.transitions import JobRef
from tests.factories.jobs import at, row
from tests.waiting import eventually


def until(ref: JobRef, state: str) -> Job:
    """The job, as soon as it is in this state."""

    def look() -> Job | None:
        job = row(ref)
        return job if job.state == state else None

    return eventually(look, within=20)


def until_it_runs(ref: JobRef) -> None:
    """Return once its actor runs in this process."""
    eventually(lambda: ref.job_id in dict(in_hand.running()), within=20)


def letter(ref: JobRef) -> DeadLetter:
    """The open dead letter of a job."""
    with at(ref.organization_id):
        return DeadLetter.objects.get(job_id=ref.job_id, state="open")


def attempts(ref: JobRef) -> list[Attempt]:
    """All attempts of a job, the first first."""
    with at(ref.organization_id):
        return list(Attempt.objects.filter(job_id=ref.job_id))
