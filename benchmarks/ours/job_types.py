"""The jobs of the ledger's benchmarks. Each ends by counting itself."""

import time
from datetime import timedelta
from typing import Any

from audit.record import record
from benchmarks.ticks import tell, tick
from jobs.execution.job import Run
from jobs.job_types import JobType, Payload, Policy
from tenancy import changes
from tenancy.access import Permission
from tenancy.entities import recording
from tenancy.models import Collaborator, Mission
from tenancy.postgresql.flush import Statement

GROUP = "backfill"


class Work(Payload):
    """mission_id, collaborator_id: what is changed. asked: the moment it was asked for, ns."""

    mission_id: int = 0
    collaborator_id: int = 0
    asked: int = 0


def sql_effect(run: Run[Work]) -> None:
    """One domain row changed in SQL, and an audit event."""
    run.write(
        Statement(
            name="bench.touch",
            sql="UPDATE tenancy_mission SET title = %(title)s"
            " WHERE organization_id = %(organization_id)s AND id = %(mission_id)s",
            parameters={
                "title": f"at fence {run.job.fence}",
                "organization_id": run.organization_id,
                "mission_id": run.payload.mission_id,
            },
        )
    )
    _audited(run)


def orm_effect(run: Run[Work]) -> None:
    """The same through Django's ORM."""
    mission = Mission.objects.filter(
        organization_id=run.organization_id, pk=run.payload.mission_id
    ).only("title")
    with recording():
        mission.update(title=f"at fence {run.job.fence}")
    _audited(run)


def door_effect(run: Run[Work]) -> None:
    """A domain entity changed as product code does it: locked, compared, audited."""
    collaborator = Collaborator.objects.get(
        organization_id=run.organization_id, pk=run.payload.collaborator_id
    )
    changes.update(collaborator, name=f"at {run.job.ref.job_id}")
    tick()


def no_effect(run: Run[Work]) -> None:
    """Nothing in our database: claims and settles may be batched."""
    now = time.monotonic_ns()
    if run.payload.asked:
        tell(run.organization_id, run.payload.asked, now, now)
    tick()


def _audited(run: Run[Work]) -> None:
    record(
        "mission.touched",
        ("mission", run.payload.mission_id),
        organization_id=run.organization_id,
        detail={"fence": run.job.fence},
    )
    tick()


def _job_type(perform: Any, **declaration: Any) -> JobType[Work]:
    policy = Policy(max_retries=0, time_limit=timedelta(minutes=1))
    return JobType(
        name=f"bench.{perform.__name__}",
        group=GROUP,
        payload=Work,
        policy=policy,
        permission=Permission.MISSION_VIEW,
        perform=perform,
        **declaration,
    )


ALL = {one.__name__: _job_type(one) for one in (sql_effect, orm_effect, door_effect)} | {
    "no_effect": _job_type(no_effect, effect="outside")
}
