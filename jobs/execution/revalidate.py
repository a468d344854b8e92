"""Look again, before anything changes, at what was true when the job was enqueued."""

from collections.abc import Mapping, Sequence
from typing import Any

from jobs.errors import JobsError, Permanent
from jobs.job_types import JobType, Payload, registry
from jobs.ledger.states import Reason
from jobs.ledger.transitions import Claimed, JobRef
from tenancy import standing
from tenancy.acting import Actor
from tenancy.postgresql.flush import Rows, Statement

MOST_LOSSES = 3

_STANDING = "jobs.standing"
# An actor_id that names nobody stands nowhere; `Actor.parse` refuses it again.
_SQL = standing.query("""
    SELECT a.ordinal, a.organization_id, j.project_id, split_part(j.actor_id, ':', 1) AS kind,
        CASE WHEN j.actor_id ~ '^[a-z]+:[0-9]{1,18}$'
            THEN split_part(j.actor_id, ':', 2)::bigint END AS actor_id
    FROM unnest(%(organization_ids)s::bigint[], %(job_ids)s::uuid[])
        WITH ORDINALITY AS a (organization_id, job_id, ordinal)
    CROSS JOIN LATERAL (
        SELECT * FROM jobs_job o
        WHERE o.organization_id = a.organization_id AND o.id = a.job_id
        LIMIT 1
    ) j
""")


class OrganizationSuspended(JobsError):
    """The job waits until its organization is active again."""


def asking(jobs: Sequence[JobRef]) -> Statement:
    """The statement that finds out how things stand for those who act in these jobs."""
    parameters = {
        "organization_ids": [ref.organization_id for ref in jobs],
        "job_ids": [ref.job_id for ref in jobs],
    }
    return Statement(name=_STANDING, sql=_SQL, parameters=parameters)


def stands(jobs: Sequence[JobRef], answers: Mapping[str, Rows]) -> dict[JobRef, Rows]:
    """What it found, for `revalidate`."""
    found = standing.in_order(answers[_STANDING])
    return {ref: found.get(place, []) for place, ref in enumerate(jobs)}


def revalidate(job: Claimed, rows: Rows) -> tuple[JobType[Any], Payload]:
    """The job's type and its payload, if it may still run.

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
    actor = _actor(job)
    now = standing.answered(actor, rows)
    if not now.is_active:
        raise OrganizationSuspended(f"Organization {job.organization_id} is suspended.")
    if not now.has_project:
        raise Permanent(
            f"Project {job.project_id} is no longer in organization {job.organization_id}.",
            reason=Reason.AUTHORIZATION_REVOKED,
        )
    if job_type.permission not in now.permissions:
        raise Permanent(
            f"{actor} does not hold {job_type.permission} in organization {job.organization_id} "
            "now, and a job may do what the actor behind it may. Enqueue it inside "
            "`tenancy.acting.acting(…)` for one who holds it, or give the right and retry the job.",
            reason=Reason.AUTHORIZATION_REVOKED,
        )
    return job_type, payload


def actor_of(job: Claimed) -> Actor:
    """Who acts; a row that names nobody is refused by `revalidate`, in nobody's name."""
    try:
        return Actor.parse(job.actor_id)
    except ValueError:
        return Actor.system()


def _actor(job: Claimed) -> Actor:
    try:
        return Actor.parse(job.actor_id)
    except ValueError as error:
        raise Permanent(str(error)) from error
