"""Jobs: list, show with every attempt, cancel, retry."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import AwareDatetime, Field

from jobs import control, deadletters
from jobs.explain import explain
from jobs.ledger.models import Attempt, Job
from jobs.ledger.states import WAITING, State
from tenancy.access import Permission
from tenancy.api.fields import UNCHANGED, Body, Line, Out, PathId
from tenancy.api.pages import Items, Page, UuidPageQuery, find, page
from tenancy.api.permission import ServiceToken
from tenancy.api.problems import Problem, not_found

router = Router(tags=["jobs"])
read, write = ServiceToken(Permission.JOB_VIEW), ServiceToken(Permission.JOB_MANAGE)

Text = Annotated[str, Field(max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
FILTERS = ("state", "job_type", "queue_group", "correlation_id", "entity_type", "entity_id")


class JobQuery(UuidPageQuery):
    """Which jobs; every filter is an exact match."""

    state: State = UNCHANGED
    job_type: Text = UNCHANGED
    queue_group: Text = UNCHANGED
    correlation_id: Text = UNCHANGED
    entity_type: Text = UNCHANGED
    entity_id: Text = UNCHANGED


class Why(Body):
    """Why a person or program does this: it stands in the audit log."""

    reason: Annotated[Line, Field(max_length=500)]


class JobOut(Out):
    """A job: one unit of work."""

    id: UUID
    project_id: int | None
    job_type: str
    queue_group: str
    entity_type: str
    entity_id: str
    correlation_id: str
    actor_id: str
    state: State
    hold: str | None
    reason: str
    attempt: int
    max_attempts: int
    created_at: AwareDatetime
    run_at: AwareDatetime
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    cancel_requested_at: AwareDatetime | None
    error_class: str
    error_message: str


class AttemptOut(Out):
    """One execution of a job."""

    number: int
    started_at: AwareDatetime
    ended_at: AwareDatetime | None
    outcome: str
    error_class: str
    error_message: str
    retry_at: AwareDatetime | None


class JobWithAttempts(JobOut):
    """A job with what it carries and each of its attempts, oldest first.

    waiting_because: why it is not running now, in a sentence for people; null while it runs and
    once it has ended.
    """

    payload: dict[str, Any]
    attempts: list[AttemptOut]
    waiting_because: str | None

    @staticmethod
    def resolve_attempts(job: Job) -> list[Attempt]:
        """The one that is under way included."""
        return Attempt.of(job)

    @staticmethod
    def resolve_waiting_because(job: Job) -> str | None:
        """As its page says it to members."""
        is_waiting = job.state in WAITING
        return explain(job, to_operator=False).sentence if is_waiting else None


def _jobs(organization_id: int) -> QuerySet[Job]:
    return Job.objects.filter(organization_id=organization_id)


@router.get("", auth=read, response=Page[JobOut])
def list_jobs(request: HttpRequest, organization_id: PathId, query: Query[JobQuery]) -> Items:
    """Jobs, newest first."""
    wanted = {name: getattr(query, name) for name in FILTERS}
    rows = _jobs(organization_id).filter(
        **{name: value for name, value in wanted.items() if value is not None}
    )
    return page(rows, query, request)


@router.get("/{job_id}", auth=read, response=JobWithAttempts)
def show_job(request: HttpRequest, organization_id: PathId, job_id: Path[UUID]) -> Job:
    """One job, with its attempts."""
    return find(_jobs(organization_id), job_id)


@router.post("/{job_id}/cancel", auth=write, response=JobOut)
def cancel_job(request: HttpRequest, organization_id: PathId, job_id: Path[UUID], body: Why) -> Job:
    """Cancel a job: one that waits never starts, one that runs is asked to end.

    A running one stays `running` until it has; its `cancel_requested_at` tells of the request.
    """
    return _moved(organization_id, job_id, control.cancel, body.reason)


@router.post("/{job_id}/retry", auth=write, response=JobOut)
def retry_job(request: HttpRequest, organization_id: PathId, job_id: Path[UUID], body: Why) -> Job:
    """Run a dead job again, with all its attempts anew."""
    return _moved(organization_id, job_id, deadletters.retry, body.reason)


def _moved(
    organization_id: int,
    job_id: UUID,
    move: Callable[..., deadletters.Outcome],
    reason: str,
) -> Job:
    if not _jobs(organization_id).filter(pk=job_id).exists():
        raise not_found()
    outcome = move([job_id], reason=reason)
    for _, why in outcome.left:
        raise Problem(409, "not_in_state", f"The job is {why}.")
    return find(_jobs(organization_id), job_id)
