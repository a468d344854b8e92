"""An alert in words: what is wrong, what to do about it, and where to look."""

from datetime import timedelta
from urllib.parse import urlencode

from django.urls import reverse

from jobs.alerts.conditions import Kind
from jobs.alerts.models import Alert
from jobs.alerts.states import QUIET_MINUTES, AlertState
from tenancy.admin.times import span

ADVICE = {
    Kind.NO_WORKER: "Start workers of this group, or read why they stopped: the list of workers "
    "has their last sign of life.",
    Kind.RELAY_BEHIND: "Jobs are written and do not reach Redis. See whether Redis takes writes "
    "(its memory, /readyz) and what the scheduler logs.",
    Kind.OLDEST_TOO_OLD: "See who waits (manage.py queues) and whether the workers are busy or "
    "stuck; add workers, or give one organization less.",
    Kind.JOBS_FAIL: "Read the errors of its dead letters and retrying jobs: most often a receiver "
    "of theirs is down, or a release broke a job type.",
    Kind.QUEUE_GROWS: "It makes jobs faster than they are done. See whether its queue is paused or "
    "limited, or its jobs fail and come back; then give it more, or less.",
}


def sentence(alert: Alert) -> str:
    """What is wrong, without the organization."""
    group, value = alert.queue_group, alert.value
    length = span(timedelta(seconds=value))
    return {
        Kind.NO_WORKER: f"No worker serves {group}",
        Kind.RELAY_BEHIND: f"The relay is {length} behind",
        Kind.OLDEST_TOO_OLD: f"The oldest job of {group} waits for {length}",
        Kind.JOBS_FAIL: f"{value:.0%} of the attempts fail",
        Kind.QUEUE_GROWS: f"The queue {group} grows: {value:,.0f} jobs wait",
    }[Kind(alert.kind)]


def now_of(alert: Alert) -> str:
    """Whether what an open alert is about still is; empty for the others."""
    if alert.state != AlertState.OPEN:
        return ""
    if not alert.is_quiet:
        return "still wrong"
    return f"right again for {alert.minutes} min, closes after {QUIET_MINUTES}"


def lists(alert: Alert) -> dict[str, str]:
    """The pages to look at: title and address."""
    of: dict[str, str] = {"window": "all"}
    if alert.organization_id is not None:
        of["organization__id__exact"] = str(alert.organization_id)
    if alert.queue_group:
        of["group"] = alert.queue_group
    jobs, letters = _list("jobs_job"), _list("jobs_deadletter")
    retrying = f"{jobs}?{urlencode({**of, 'state': 'retrying'})}"
    waiting = f"{jobs}?{urlencode({**of, 'state': 'queued'})}"
    dead = f"{letters}?{urlencode(of)}"
    return {
        Kind.NO_WORKER: {"Workers": _list("jobs_worker"), "Waiting jobs": waiting},
        Kind.RELAY_BEHIND: {"Workers": _list("jobs_worker"), "Waiting jobs": waiting},
        Kind.OLDEST_TOO_OLD: {"Waiting jobs": waiting, "Workers": _list("jobs_worker")},
        Kind.JOBS_FAIL: {"Dead letters": dead, "Retrying jobs": retrying},
        Kind.QUEUE_GROWS: {
            "Waiting jobs": waiting,
            "Retrying jobs": retrying,
            "Dead letters": dead,
        },
    }[Kind(alert.kind)]


def _list(name: str) -> str:
    return reverse(f"admin:{name}_changelist")
