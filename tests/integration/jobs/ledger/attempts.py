"""The attempts of a job, and what ends one."""

from datetime import timedelta

from jobs.ledger import transitions
from jobs.ledger.failures import Failure
from jobs.ledger.models import Attempt
from jobs.ledger.transitions import Claimed, JobRef
from tests.factories.jobs import at, claim, fall_silent, running_job, worker

FAILURE = Failure(error_class="E", message="m")


def attempts(ref: JobRef) -> list[tuple[int, int, str]]:
    """Number, fence and outcome of each, the first first."""
    with at(ref.organization_id):
        found = Attempt.objects.filter(job_id=ref.job_id).order_by("fence")
        return [(one.number, one.fence, one.outcome) for one in found]


def retry(job: Claimed, delay: timedelta = timedelta(0)) -> None:
    """It failed."""
    with at(job.organization_id):
        transitions.retry(job, delay=delay, failure=FAILURE)


def lost_job() -> Claimed:
    """As the worker has it that died while it ran it."""
    silent = worker()
    job = running_job(worker_id=silent)
    fall_silent(silent)
    return job


def taken_over_job() -> Claimed:
    """A job that is claimed for the second time, because its first worker died."""
    claimed = claim(lost_job().ref).claimed
    assert claimed
    return claimed
