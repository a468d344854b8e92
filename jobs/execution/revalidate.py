"""Look again, before anything changes, at what was true when the job was enqueued."""

from typing import Any

from jobs.errors import JobsError, Permanent
from jobs.job_types import JobType, Payload, registry
from jobs.ledger.states import Reason
from jobs.ledger.transitions import Claimed
from tenancy.access import may
from tenancy.acting import Actor
from tenancy.models import Organization, Project

MOST_LOSSES = 3


class OrganizationSuspended(JobsError):
    """The job waits until its organization is active again."""


def revalidate(job: Claimed) -> tuple[JobType[Any], Payload]:
    """The job's type and its payload, if it may still run; in the organization's scope.

    Raises `OrganizationSuspended`, or `Permanent` with the reason of the dead letter, or what
    `registry.get` and `JobType.read` raise.
    """
    if job.losses >= MOST_LOSSES:
        raise Permanent(
            f"{job.losses} workers died while they ran this job. It is not tried again, so that it "
            "takes no more with it.",
            reason=Reason.WORKER_LOST,
        )
    job_type = registry.get(job.job_type)
    payload = job_type.read(job.payload)
    organization = Organization.objects.get(pk=job.ref.organization_id)
    if not organization.is_active:
        raise OrganizationSuspended(f"Organization {organization.pk} is suspended.")
    _check_project(job)
    actor = _actor(job)
    if not may(actor, job_type.permission, organization):
        raise Permanent(
            f"{actor} does not hold {job_type.permission} in organization {organization.pk} now, "
            "and a job may do what the actor behind it may. Enqueue it inside "
            "`tenancy.acting.acting(…)` for one who holds it, or give the right and retry the job.",
            reason=Reason.AUTHORIZATION_REVOKED,
        )
    return job_type, payload


def _actor(job: Claimed) -> Actor:
    try:
        return Actor.parse(job.actor_id)
    except ValueError as error:
        raise Permanent(str(error)) from error


def _check_project(job: Claimed) -> None:
    if job.project_id is None:
        return
    mine = Project.objects.filter(pk=job.project_id, organization_id=job.ref.organization_id)
    if not mine.exists():
        raise Permanent(
            f"Project {job.project_id} is no longer in organization {job.ref.organization_id}.",
            reason=Reason.AUTHORIZATION_REVOKED,
        )
