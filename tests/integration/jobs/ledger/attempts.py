"""The attempts of a job, and what ends one."""

import time
from dataclasses import replace
from datetime import timedelta

from jobs.ledger import transitions
from jobs.ledger.failures import Failure
from jobs.ledger.models import Attempt
from jobs.ledger.transitions import Claimed, JobRef
from tests.factories.jobs import at, claim, claimed_job, fall_silent, running_job, worker

FAILURE = Failure(error_class="E", message="m")


def told(ref: JobRef) -> list[Attempt]:
    """All that have ended, the first first."""
    with at(ref.organization_id):
        return list(Attempt.objects.filter(job_id=ref.job_id).order_by("fence"))


def attempts(ref: JobRef) -> list[tuple[int, int, str]]:
    """Number, fence and outcome of each."""
    return [(one.number, one.fence, one.outcome) for one in told(ref)]


def retry(job: Claimed, delay: timedelta = timedelta(0)) -> None:
    """It failed."""
    with at(job.organization_id):
        transitions.retry(job, delay=delay, failure=FAILURE)


def begun(job: Claimed, ago: timedelta) -> Claimed:
    """As its worker has it, which started it so long ago."""
    return replace(job, began=time.monotonic() - ago.total_seconds())


def lost_job() -> Claimed:
    """As the worker has it that died while it ran it, and had told of its start."""
    silent = worker()
    job = running_job(worker_id=silent)
    fall_silent(silent)
    return job


def vanished_job() -> Claimed:
    """As the worker has it that died before it told whether it had started."""
    silent = worker()
    job = claimed_job(worker_id=silent)
    fall_silent(silent)
    return job


def taken_over_job() -> Claimed:
    """A job that is claimed for the second time, because its first worker died."""
    claimed = claim(lost_job().ref).claimed
    assert claimed
    return claimed
