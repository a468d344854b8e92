"""Who belongs to an organization, one person at a time; `roster` does the same with a whole list.

What speaks against a change is judged by `rules`. Everything here needs a transaction in the scope
of the organization, and raises NotAllowed with what the rules say.
"""

from tenancy import changes, clock, invitations
from tenancy.errors import NotAllowed
from tenancy.models import Invitation, Membership
from tenancy.rules import (
    RANKS,
    Step,
    grantable,
    judge,
    lock_members,
    open_invitations,
    seats,
)

__all__ = [
    "RANKS",
    "change_role",
    "deactivate",
    "grantable",
    "invite",
    "reactivate",
    "remove",
    "renew",
    "revoke",
]


def invite(organization_id: int, *, email: str, role: str, name: str = "") -> Invitation:
    """Invite somebody by mail; nothing tells whether the address has an account elsewhere."""
    email = invitations.mailbox(email)
    _judge(organization_id, Step(email=email, row=None, was_active=False, role=role, active=True))
    if known := _why_known(organization_id, email):
        raise NotAllowed(known)
    invited = invitations.Invited(email=email, name=name, role=role)
    return invitations.invite_many(organization_id, [invited])[0]


def renew(invitation: Invitation) -> Invitation:
    """Mail another link for another term; raises InvitationClosed for one that has ended."""
    _judge(invitation.organization_id, _step(invitation, active=True))
    return invitations.renew(invitation)


def revoke(invitation: Invitation) -> Invitation:
    """Let the link open nothing more. Raises InvitationClosed for one that has ended."""
    _judge(invitation.organization_id, _step(invitation, active=False))
    return invitations.revoke(invitation)


def change_role(membership: Membership, role: str) -> Membership:
    """Give a member another role, whether deactivated or not."""
    now = _locked(membership)
    _judge(now.organization_id, _step(now, role=role, active=now.deactivated_at is None))
    return changes.update(now, role=role)


def deactivate(membership: Membership) -> Membership:
    """Take every right from a member at once; the membership stays, with its role."""
    now = _locked(membership)
    _judge(now.organization_id, _step(now, active=False))
    return changes.update(now, deactivated_at=now.deactivated_at or clock.now())


def reactivate(membership: Membership) -> Membership:
    """Give a deactivated member the rights of their role again."""
    now = _locked(membership)
    _judge(now.organization_id, _step(now, active=True))
    return changes.update(now, deactivated_at=None)


def remove(membership: Membership) -> None:
    """End a membership for good."""
    now = _locked(membership)
    _judge(now.organization_id, _step(now, active=False))
    changes.delete(now)


def _step(row: Membership | Invitation, *, active: bool, role: str = "") -> Step:
    if isinstance(row, Membership):
        email, was_active = row.user.email, row.deactivated_at is None
    else:
        still = open_invitations(row.organization_id).filter(pk=row.pk)
        email, was_active = row.email, still.exists()
    return Step(email=email, row=row, was_active=was_active, role=role or row.role, active=active)


def _locked(membership: Membership) -> Membership:
    lock_members(membership.organization_id)
    members = Membership.objects.filter(organization_id=membership.organization_id)
    return members.select_related("user").get(pk=membership.pk)


def _judge(organization_id: int, step: Step) -> None:
    organization = lock_members(organization_id)
    judge(organization_id, [step], owner_grantable=True)
    if step.breaches:
        raise NotAllowed(" ".join(breach.text for breach in step.breaches))
    seats(organization, [step]).require()


def _why_known(organization_id: int, email: str) -> str:
    """Why nobody is invited under this address: they are here, or on their way; else nothing."""
    members = Membership.objects.filter(organization_id=organization_id)
    if member := members.filter(user__email__iexact=email).first():
        if member.deactivated_at:
            return "This person is a member already, and deactivated: reactivate them instead."
        return "This person is a member already."
    if open_invitations(organization_id).filter(email=email).exists():
        return "This person is invited already; on the invitation's page you can send it again."
    return ""
