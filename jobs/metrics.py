"""The metrics that workers count; what a scrape reads instead is in `gauges`.

docs/operate/metrics-and-logs.md prints the table. Workers and web are many processes; their values
lie in files of PROMETHEUS_MULTIPROC_DIR, one per process, and a scrape adds them up. A label takes
a value from the code or from the ledger, never from a message.
"""

from contextlib import AbstractContextManager
from typing import Protocol

from prometheus_client import Counter, Histogram

from jobs.errors import UnknownJobType
from jobs.job_types import registry

_OF_JOB = ("queue_group", "job_type")
_WAITS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 6 * 3600)
_RUNS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900)

_wait = Histogram(
    "jobs_wait_seconds", "From the moment a job was due to its start.", _OF_JOB, buckets=_WAITS
)
_processing = Histogram(
    "jobs_processing_seconds", "How long an attempt took, however it ended.", _OF_JOB, buckets=_RUNS
)
_succeeded = Counter("jobs_succeeded_total", "Jobs that succeeded.", _OF_JOB)
_failed = Counter("jobs_failed_total", "Attempts that failed.", _OF_JOB)
_retried = Counter("jobs_retried_total", "Failed attempts that another one follows.", _OF_JOB)
_dead_lettered = Counter(
    "jobs_dead_lettered_total", "Jobs and messages that need a person.", (*_OF_JOB, "reason")
)


class Observed(Protocol):
    """A job, as far as this module needs one."""

    @property
    def group(self) -> str: ...

    @property
    def job_type(self) -> str: ...

    @property
    def wait_seconds(self) -> float: ...


def observe_started(job: Observed) -> AbstractContextManager[object]:
    """An attempt begins; it ends with the block."""
    of_job = _labels(job.group, job.job_type)
    _wait.labels(*of_job).observe(max(job.wait_seconds, 0))
    return _processing.labels(*of_job).time()


def observe_succeeded(job: Observed) -> None:
    """Once it is settled."""
    _succeeded.labels(*_labels(job.group, job.job_type)).inc()


def observe_failed(job: Observed, *, dead: str | None) -> None:
    """Once it is written; `dead` is the dead letter's reason, None when another attempt follows."""
    _failed.labels(*_labels(job.group, job.job_type)).inc()
    if dead is None:
        _retried.labels(*_labels(job.group, job.job_type)).inc()
    else:
        observe_dead(job.group, job.job_type, reason=dead)


def observe_dead(group: str, job_type: str, *, reason: str) -> None:
    """Once its dead letter is written."""
    _dead_lettered.labels(*_labels(group, job_type), str(reason)).inc()


def _labels(group: str, job_type: str) -> tuple[str, str]:
    try:
        return group, registry.get(job_type).name
    except UnknownJobType:
        return group, "unknown"
