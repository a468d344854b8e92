"""What keeps a roster from being approved at all, whoever confirms what."""

from jobs.families.transfers.imports.errors import NotApprovable
from jobs.families.transfers.models import Import, RowIssue


def require_approvable(of: Import) -> None:
    """Raise NotApprovable if something is against the file as a whole."""
    against = RowIssue.objects.filter(
        organization_id=of.organization_id, of_import=of, row=0, level="file"
    ).first()
    if against is not None:
        raise NotApprovable(against.code, against.message, **against.detail)
