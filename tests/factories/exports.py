"""Exports with their files, written as a worker writes them, in this thread."""

from typing import Any

from django.db import transaction

from jobs.execution.job import Run
from jobs.families.transfers.exports import request
from jobs.families.transfers.exports.write import WriteExport, write
from jobs.families.transfers.job_types import export_file
from jobs.families.transfers.models import Export
from jobs.ledger.transitions import JobRef
from tenancy.acting import Actor, acting
from tenancy.models import Organization
from tenancy.scope import scope
from tests.factories.jobs import claim, started
from tests.factories.tenancy import member


def export(of: Organization, actor: Actor | None = None, **more: Any) -> Export:
    """One that was asked for by an admin, unless somebody else is named."""
    actor = actor or Actor.user(member(of, role="admin").pk)
    asked = {"kind": "timeline", "format_name": "csv"} | more
    with scope(of), acting(actor, source="web"), transaction.atomic():
        return request.ask(of.pk, **asked)


def written_export(of: Organization, actor: Actor | None = None, **more: Any) -> Export:
    """One that is completed; its file is where the settings say. Outside any transaction."""
    asked = export(of, actor, **more)
    assert asked.job_id is not None
    answer = claim(JobRef(organization_id=of.pk, job_id=asked.job_id))
    payload = WriteExport(export_id=asked.pk)
    with scope(of), acting(Actor.parse(asked.actor_id), source="worker"):
        write(Run(job=started(answer), job_type=export_file, payload=payload))
        with transaction.atomic():
            return Export.objects.get(pk=asked.pk)
