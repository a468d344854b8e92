"""Who may do what: the one answer, for admin, API and workers alike.

A right is a permission on an organization (`mission.edit` in organization 7); an entity's
organization is the one in its row, reached through its project. Roles are sets of permissions and
nothing else knows what a role may do. What a *suspended* organization's actors may still do is
read.
"""

from enum import StrEnum
from typing import Any

from django.db import connection

from tenancy.acting import Actor
from tenancy.errors import AccessDenied
from tenancy.models import Membership, Organization, Role, ServiceAccount, User

__all__ = ["Actor", "Permission", "granted", "may", "organizations_of", "permissions_of", "require"]


class Permission(StrEnum):
    """Everything that can be asked, `noun.verb`."""

    ORGANIZATION_VIEW = "organization.view"
    ORGANIZATION_MANAGE = "organization.manage"
    MEMBER_VIEW = "member.view"
    MEMBER_MANAGE = "member.manage"
    PROJECT_VIEW = "project.view"
    PROJECT_EDIT = "project.edit"
    MISSION_VIEW = "mission.view"
    MISSION_EDIT = "mission.edit"
    COLLABORATOR_VIEW = "collaborator.view"
    COLLABORATOR_MANAGE = "collaborator.manage"
    TEMPLATE_VIEW = "template.view"
    TEMPLATE_EDIT = "template.edit"
    ENDPOINT_VIEW = "endpoint.view"
    ENDPOINT_MANAGE = "endpoint.manage"
    DELIVERY_VIEW = "delivery.view"
    JOB_VIEW = "job.view"
    JOB_MANAGE = "job.manage"
    QUEUE_MANAGE = "queue.manage"
    AUDIT_VIEW = "audit.view"
    TRANSFER_VIEW = "transfer.view"
    TRANSFER_IMPORT = "transfer.import"
    TRANSFER_EXPORT = "transfer.export"
    # Rosters are personal data, whichever way they go.
    ROSTER_IMPORT = "roster.import"
    ROSTER_EXPORT = "roster.export"

    @property
    def only_reads(self) -> bool:
        """Whether it changes nothing, so that a suspended organization keeps it."""
        return self.value.endswith(".view")


_VIEWER = frozenset(
    {
        Permission.ORGANIZATION_VIEW,
        Permission.PROJECT_VIEW,
        Permission.MISSION_VIEW,
        Permission.COLLABORATOR_VIEW,
        Permission.TEMPLATE_VIEW,
        Permission.DELIVERY_VIEW,
        Permission.JOB_VIEW,
        Permission.TRANSFER_VIEW,
    }
)
_EDITOR = _VIEWER | {
    Permission.PROJECT_EDIT,
    Permission.MISSION_EDIT,
    Permission.TRANSFER_IMPORT,
    Permission.TRANSFER_EXPORT,
}
_OWNER = frozenset(Permission) - {Permission.QUEUE_MANAGE}  # which is the operators' alone
_ADMIN = _OWNER - {Permission.ORGANIZATION_MANAGE}

ROLES: dict[str, frozenset[Permission]] = {
    Role.VIEWER: _VIEWER,
    Role.EDITOR: _EDITOR,
    Role.ADMIN: _ADMIN,
    Role.OWNER: _OWNER,
}

SYSTEM: frozenset[Permission] = frozenset(
    {
        Permission.PROJECT_VIEW,
        Permission.MISSION_VIEW,
        Permission.COLLABORATOR_VIEW,
        Permission.TEMPLATE_VIEW,
        Permission.DELIVERY_VIEW,
    }
)
"""What work without a person behind it may do: read what it needs to notify."""


def may(actor: Actor, permission: Permission, thing: Any) -> bool:
    """Whether `actor` may do this to `thing`: an organization, its id, or a row of one.

    Needs a scope that shows the organization; one that does not show it answers False.
    """
    organization = _organization_of(thing)
    return organization is not None and permission in granted(actor, organization)


def granted(actor: Actor, organization: Organization) -> frozenset[Permission]:
    """All that an actor may do in an organization as it stands: in a suspended one, only read."""
    role = _role_of(actor, organization.pk)
    return permissions_in(actor, role, is_active=organization.is_active)


def permissions_in(actor: Actor, role: str | None, *, is_active: bool) -> frozenset[Permission]:
    """The same, of an actor whose role there is known."""
    held = _permissions(actor, role)
    if is_active or actor.kind == "operator":
        return held
    return frozenset(one for one in held if one.only_reads)


def require(actor: Actor, permission: Permission, thing: Any) -> None:
    """Raise `AccessDenied` unless `may`."""
    if not may(actor, permission, thing):
        raise AccessDenied(str(actor), permission.value, _name(thing))


def permissions_of(actor: Actor, organization_id: int) -> frozenset[Permission]:
    """All that an actor may do in an organization; nothing for one who does not belong to it."""
    return _permissions(actor, _role_of(actor, organization_id))


def _permissions(actor: Actor, role: str | None) -> frozenset[Permission]:
    if actor.kind == "system":
        return SYSTEM
    if actor.kind == "operator":
        return frozenset(Permission) if role else frozenset()
    return ROLES.get(role or "", frozenset())


def _role_of(actor: Actor, organization_id: int) -> str | None:
    if actor.id is None:
        return None
    if actor.kind == "operator":
        people = User.objects.filter(pk=actor.id, is_active=True, is_superuser=True)
        return actor.kind if people.exists() else None
    if actor.kind == "user":
        members = Membership.objects.filter(
            organization_id=organization_id,
            user_id=actor.id,
            user__is_active=True,
            deactivated_at=None,
        )
        return members.values_list("role", flat=True).first()
    accounts = ServiceAccount.objects.filter(
        organization_id=organization_id, pk=actor.id, disabled_at=None
    )
    return accounts.values_list("role", flat=True).first()


def _organization_of(thing: Any) -> Organization | None:
    # Read again even when it is at hand: what is at hand may be old, or out of scope.
    key = thing if isinstance(thing, int) else thing.organization_id
    return Organization.objects.filter(pk=key).first()


def _name(thing: Any) -> str:
    if isinstance(thing, int):
        return f"organization {thing}"
    return f"{thing._meta.model_name} {thing.pk}"


def organizations_of(person: User) -> list[int]:
    """The organizations that a signed-in person belongs to, learned before there is any scope.

    Call it with the session's own user only.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT organization_id FROM organizations_of(%s)", [person.pk])
        return [row[0] for row in cursor.fetchall()]
