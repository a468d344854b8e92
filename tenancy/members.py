"""Who belongs to an organization, and the two rules that no page or route may forget.

Nobody hands out a role above their own, or touches somebody who holds one. The last owner stays.
"""

import secrets
from functools import partial
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.forms import PasswordResetForm
from django.db import transaction

from tenancy import changes
from tenancy.access import ROLES, Permission, permissions_of
from tenancy.acting import current
from tenancy.errors import NotAllowed
from tenancy.models import Membership, Organization, Role, User

RANKS = (Role.VIEWER, Role.EDITOR, Role.ADMIN, Role.OWNER)


def grantable(organization_id: int) -> list[Role]:
    """The roles that whoever acts may give: those whose every permission they hold themselves."""
    held = permissions_of(current().actor, organization_id)
    return [role for role in RANKS if ROLES[role] <= held and Permission.MEMBER_MANAGE in held]


def add(organization_id: int, *, email: str, role: str) -> Membership:
    """Give a person a role.

    A mail address that nobody signs in with yet becomes a person, and gets a mail to choose a
    password once this transaction commits. Nothing tells the caller which of the two it was.
    """
    _check_grant(organization_id, role)
    person = User.objects.filter(email__iexact=email).first()
    if person is None:
        person = User(email=email.lower())
        person.set_password(secrets.token_urlsafe(32))
        person.save()
        transaction.on_commit(partial(invite, email))
    membership = Membership(organization_id=organization_id, user=person, role=role)
    return changes.create(membership)


def invite(email: str) -> None:
    """Send a mail with a link to choose a password."""
    form = PasswordResetForm({"email": email})
    if form.is_valid():
        form.save(
            domain_override=urlsplit(settings.PUBLIC_URL).netloc,
            use_https=settings.PUBLIC_URL.startswith("https"),
            subject_template_name="passwords/subject.txt",
            email_template_name="passwords/mail.txt",
        )


def change_role(membership: Membership, role: str) -> Membership:
    """Raises NotAllowed for a role, old or new, above one's own, or the last owner's."""
    now = _locked(membership)
    _check_grant(now.organization_id, now.role)
    _check_grant(now.organization_id, role)
    if role != Role.OWNER:
        _keep_an_owner(now)
    return changes.update(now, role=role)


def remove(membership: Membership) -> None:
    """Raises NotAllowed for a role above one's own, or the last owner's."""
    now = _locked(membership)
    _check_grant(now.organization_id, now.role)
    _keep_an_owner(now)
    changes.delete(now)


def _check_grant(organization_id: int, role: str) -> None:
    if role not in grantable(organization_id):
        raise NotAllowed(f"The role {role} is above your own, so you can neither give nor take it.")


def _locked(membership: Membership) -> Membership:
    """The membership as it is now. The organization is locked with it: two owners who remove each
    other at once would both see one left."""
    Organization.objects.select_for_update().get(pk=membership.organization_id)
    return Membership.objects.get(organization_id=membership.organization_id, pk=membership.pk)


def _keep_an_owner(membership: Membership) -> None:
    others = Membership.objects.filter(
        organization_id=membership.organization_id, role=Role.OWNER
    ).exclude(pk=membership.pk)
    if membership.role == Role.OWNER and not others.exists():
        raise NotAllowed(
            "An organization keeps at least one owner. Make somebody else owner first."
        )
