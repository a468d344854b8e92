"""What an export is: who may have it, what was asked for, how its file is offered."""

from typing import Any

from django.db.models import QuerySet

from jobs.families.transfers.exports.formats import FORMATS
from jobs.families.transfers.links import Download
from jobs.families.transfers.models import Export
from tenancy.access import Permission

PERMISSIONS: dict[str, Permission] = {
    "timeline": Permission.TRANSFER_EXPORT,
    "roster": Permission.ROSTER_EXPORT,  # personal data
}


def row(export: Export) -> QuerySet[Export]:
    """Its row, as the database has it."""
    return Export.objects.filter(organization_id=export.organization_id, pk=export.pk)


def described(export: Export) -> dict[str, Any]:
    """What was asked for, as the audit log and the manifest repeat it."""
    return {
        "kind": export.kind,
        "format": export.format,
        "fields": export.fields,
        "filters": export.filters,
    }


def served(export: Export) -> Download:
    """What a browser is told about the file."""
    return Download(file_name=export.file_name, content_type=FORMATS[export.format].content_type)
