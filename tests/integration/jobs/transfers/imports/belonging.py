"""Rosters' files, and who belongs to an organization after them."""

from jobs.families.transfers.models import Import
from tenancy.models import Invitation, Membership, Organization
from tests.factories.jobs import at

HEADER = "mail,name,role,status"


def people(*lines: str, header: str = HEADER) -> bytes:
    """A roster's file."""
    return "\n".join([header, *lines, ""]).encode()


def standing(of: Import | Organization) -> dict[str, str]:
    """Every member's and pending invitation's role, by address; in brackets if deactivated."""
    organization_id = of.pk if isinstance(of, Organization) else of.organization_id
    with at(organization_id):
        members = Membership.objects.filter(organization_id=organization_id).select_related("user")
        found = {
            one.user.email: f"({one.role})" if one.deactivated_at else one.role for one in members
        }
        pending = Invitation.objects.filter(organization_id=organization_id, state="pending")
        return found | {one.email: f"invited {one.role}" for one in pending}
