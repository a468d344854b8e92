"""What an import left behind."""

import json
from typing import Any

from django.db import connection

from audit.models import AuditEvent
from jobs.families.transfers.imports.dry_run import OUTCOMES
from jobs.families.transfers.models import Import, ImportChunk, RowIssue
from tenancy.models import Organization, TimelineEntry
from tests.factories.jobs import at


def entries(of: Import | Organization) -> dict[str | None, TimelineEntry]:
    """All of the organization, by their external ids."""
    organization_id = of.pk if isinstance(of, Organization) else of.organization_id
    with at(organization_id):
        found = TimelineEntry.objects.filter(organization_id=organization_id)
        return {one.external_id: one for one in found}


def issues(of: Import) -> list[tuple[int, int | None, str | None, str]]:
    """Row, line, column and code of each, in the order of the file."""
    with at(of.organization_id):
        found = RowIssue.objects.filter(organization_id=of.organization_id, of_import=of)
        return list(found.values_list("row", "line", "column", "code"))


def issue(of: Import) -> RowIssue:
    """The only one."""
    with at(of.organization_id):
        return RowIssue.objects.get(organization_id=of.organization_id, of_import=of)


def plan(of: Import) -> dict[str, int]:
    """The outcomes that there are any of."""
    counted = {name: of.plan[name] for name in of.plan if name in OUTCOMES}
    return {name: count for name, count in counted.items() if count}


def chunks(of: Import, *, is_undo: bool = False) -> list[ImportChunk]:
    with at(of.organization_id):
        mine = ImportChunk.objects.filter(organization_id=of.organization_id, of_import=of)
        return list(mine.filter(is_undo=is_undo))


def actions(of: Import) -> list[str]:
    """The events of the import in the audit log, the first first."""
    return [event["action"] for event in events(of)]


def events(of: Import) -> list[dict[str, Any]]:
    with at(of.organization_id):
        found = AuditEvent.objects.filter(
            organization_id=of.organization_id, target_type="import", target_id=str(of.pk)
        )
        return [json.loads(one.event) for one in found.order_by("id")]


def sql(of: Import, statement: str) -> Any:
    """One value."""
    with at(of.organization_id), connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]
