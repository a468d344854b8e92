"""Invitations: how somebody becomes a member, from a link in a mail to the membership.

    invite_many ──► pending ──accept──► accepted, and a membership
                     │  └─revoke──► revoked
                     ├ renew: another link, another term
                     └ its time is over, or its inviter may not give the role any more: opens
                       nothing; `expired` once another takes its place

Until it is accepted there is no account and no membership, and whether the address has an account
elsewhere is not looked at.

The link is derived from a seed under SECRET_KEY, so that whoever sends it, on whichever attempt,
needs no secret from anybody; the row keeps a digest, by which the link is found. Everything here
needs a transaction in the scope of the organization.
"""

import hashlib
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils.crypto import salted_hmac

from tenancy import changes, clock
from tenancy.acting import current
from tenancy.errors import InvitationClosed, NoSeats
from tenancy.models import (
    Collaborator,
    Invitation,
    InvitationState,
    Membership,
    User,
)
from tenancy.rules import lock_members, open_invitations, seats

VALID_FOR = timedelta(days=14)


@dataclass(frozen=True, kw_only=True)
class Invited:
    """Somebody to be invited. email: as `mailbox` spells it."""

    email: str
    name: str
    role: str


def mailbox(typed: str) -> str:
    """A mail address in the one spelling by which people are compared."""
    return unicodedata.normalize("NFC", typed.strip()).lower()


def invite_many(organization_id: int, people: Sequence[Invited]) -> list[Invitation]:
    """Invite people who have no open invitation here; each gets a mail (`jobs` listens).

    No rule is asked: `members` and `roster` do.
    """
    emails = [one.email for one in people]
    over = Invitation.objects.filter(
        organization_id=organization_id, state=InvitationState.PENDING, email__in=emails
    )
    changes.update_many(over, state=InvitationState.EXPIRED)
    return changes.create_many(
        Invitation(
            organization_id=organization_id,
            email=one.email,
            name=one.name,
            role=one.role,
            **_fresh(),
        )
        for one in people
    )


def renew(invitation: Invitation) -> Invitation:
    """Another link for another term; the one before opens nothing more. It is mailed as the first.

    Whoever acts becomes the inviter. Raises InvitationClosed for one that has ended.
    """
    return changes.update(_pending(invitation), **_fresh())


def revoke(invitation: Invitation) -> Invitation:
    """Let it open nothing more. Raises InvitationClosed for one that has ended."""
    return changes.update(_pending(invitation), state=InvitationState.REVOKED)


def url(invitation: Invitation) -> str:
    """Where the mail leads to."""
    return (
        f"{settings.PUBLIC_URL}/invitations/{invitation.organization_id}/"
        f"{_token(invitation.token_seed)}/"
    )


def find(organization_id: int, token: str) -> Invitation:
    """The open invitation behind this link, with its organization.

    Raises InvitationClosed, the same for one that never was, or belongs to another organization.
    """
    found = open_invitations(organization_id).filter(token_digest=_digest(token))
    invitation = found.select_related("organization").first()
    if invitation is None or not invitation.organization.is_active:
        raise InvitationClosed
    return invitation


def account_of(invitation: Invitation) -> User | None:
    """The account of the invited address, if there is one: for whoever holds the link only."""
    return User.objects.filter(email__iexact=invitation.email).first()


def is_for(invitation: Invitation, person: User) -> bool:
    """Whether this is the invited person."""
    return mailbox(person.email) == invitation.email


def accept(organization_id: int, token: str, person: User) -> Membership:
    """Make the invited person a member; who acts is the person.

    On the roster, whoever has the same address becomes this person, and active. Raises
    InvitationClosed, also for somebody else's and for a member who was deactivated meanwhile;
    NoSeats where seats were given away while this one was worth nothing, because its inviter had
    lost the right to give the role and has it again.
    """
    own = lock_members(organization_id)  # of two clicks at once, the second finds it accepted
    invitation = find(organization_id, token)
    known = Membership.objects.filter(organization_id=organization_id, user=person).first()
    if not is_for(invitation, person) or (known and known.deactivated_at):
        raise InvitationClosed
    taken = seats(own)  # this one's among them
    if known is None and taken.limit is not None and taken.used > taken.limit:
        raise NoSeats(needed=1, free=0)
    changes.update(invitation, state=InvitationState.ACCEPTED, accepted_at=clock.now())
    _join_roster(invitation, person)
    return known or changes.create(
        Membership(organization_id=organization_id, user=person, role=invitation.role)
    )


def _pending(invitation: Invitation) -> Invitation:
    lock_members(invitation.organization_id)
    mine = Invitation.objects.filter(organization_id=invitation.organization_id)
    now = mine.get(pk=invitation.pk)
    if now.state != InvitationState.PENDING:
        raise InvitationClosed
    return now


def _join_roster(invitation: Invitation, person: User) -> None:
    waiting = Collaborator.objects.filter(
        organization_id=invitation.organization_id, email__iexact=invitation.email, user=None
    )
    for collaborator in waiting:
        joined: dict[str, Any] = {"user_id": person.pk}
        if collaborator.status == Collaborator.Status.INVITED:
            joined["status"] = Collaborator.Status.ACTIVE
        changes.update(collaborator, **joined)


def _fresh() -> dict[str, Any]:
    seed = secrets.token_urlsafe(32)
    return {
        "invited_by": str(current().actor),
        "token_seed": seed,
        "token_digest": _digest(_token(seed)),
        "expires_at": clock.now() + VALID_FOR,
    }


def _token(seed: str) -> str:
    return salted_hmac("tenancy.invitations", seed, algorithm="sha256").hexdigest()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
