"""A change that many documents show: their versions are counted in steps, behind live work.

One step is one job and one transaction: the next 500 missions get their versions and a job to index
them, and the step after is enqueued. Killed anywhere it goes on where it was.
"""

from django.db.models import QuerySet

from jobs.execution.job import Run
from jobs.families.search import requests
from jobs.families.search.counter import count
from jobs.families.search.models import Kind
from jobs.families.search.requests import MOST_IN_BATCH, Touch
from tenancy.models import Mission


def touch(run: Run[Touch]) -> None:
    """One step, in the transaction that settles its job."""
    payload, organization_id = run.payload, run.organization_id
    behind = _missions(organization_id, payload).filter(pk__gt=payload.after)
    found = list(behind.order_by("pk").values_list("pk", flat=True)[:MOST_IN_BATCH])
    if not found:
        return
    count(organization_id, [(Kind.MISSION.value, pk) for pk in found], bulk=True)
    if len(found) == MOST_IN_BATCH:
        rest = payload.model_copy(update={"after": found[-1]})
        requests.send_touch(organization_id, rest)


def _missions(organization_id: int, payload: Touch) -> QuerySet[Mission]:
    mine = Mission.objects.filter(organization_id=organization_id)
    if payload.of == "project":
        return mine.filter(project_id=payload.entity_id)
    return mine.filter(assignments__collaborator_id=payload.entity_id).distinct()
